package config

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// imageDirs are where configuration files of a kind lie, the strongest first: a file
// hides those of its name in the directories behind (systemd's sysctl.d(5) and the like).
var imageDirs = [...]string{"/etc/", "/run/", "/usr/lib/", "/lib/"}

// maxNames is how many files of a directory are looked at.
const maxNames = 256

// imageFiles calls f for each line of the *.conf files of a kind ("sysctl.d") that is no
// comment, in the order of their names.
func (l *loader) imageFiles(kind string, f func(line string)) {
	path := map[string]string{}
	var names []string
	for _, dir := range imageDirs {
		for _, name := range l.list(dir + kind) {
			if _, hidden := path[name]; !hidden && strings.HasSuffix(name, ".conf") && len(names) < maxNames {
				path[name] = dir + kind + "/" + name
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		l.imagePath = path[name]
		l.imageFile(path[name], f)
	}
}

// imageFile calls f for each line of a file that is no comment. One that continues with a
// backslash at its end is one line.
func (l *loader) imageFile(path string, f func(line string)) {
	if !l.mayBe(path) {
		return
	}
	data, err := l.read(path)
	if err != nil || len(data) > maxText {
		return
	}
	text := strings.ReplaceAll(string(data), "\\\n", " ")
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' && line[0] != ';' && lex.IsPrintable(strings.ReplaceAll(line, "\t", " ")) {
			f(strings.ReplaceAll(line, "\t", " "))
		}
	}
}

// image reads what other inits and their tools find in an image: modules to load
// (modules-load.d(5)), their options (modprobe.d(5)), settings of the kernel (sysctl.d(5))
// and directories and files to make (tmpfiles.d(5)). What else it brings for them is named.
func (l *loader) image() {
	l.etc = l.list("/etc")
	load := func(line string) {
		name, options, _ := strings.Cut(line, " ")
		switch options = strings.TrimSpace(options); {
		case !isModule(name) || options != "" && !strings.Contains(options, "="):
			l.noteOnce("modules-load.d", lex.Quote(line)+" is without effect; want the name of a module a line, such as i2c-dev")
			return
		case options != "": // as Debian's modules(5) once had them
			l.moduleOption(name, options)
		}
		if !slices.Contains(l.imageModules, name) {
			l.imageModules = append(l.imageModules, name)
		}
	}
	l.imageFiles("modules-load.d", load)
	l.imageFile("/etc/modules", load)
	l.imageFiles("modprobe.d", l.modprobe)
	l.imageFiles("sysctl.d", l.sysctl)
	l.imageFile("/etc/sysctl.conf", l.sysctl) // the last, as with procps
	l.imageFiles("tmpfiles.d", l.tmpfile)
	for _, name := range l.list(volatiles) {
		l.imagePath = volatiles + "/" + name
		l.imageFile(l.imagePath, l.volatile)
	}
	l.noteTmpfiles()
	l.imageFiles("sysusers.d", l.sysuser)
	l.brought()
}

// modprobe takes a line of modprobe.d.
func (l *loader) modprobe(line string) {
	word, rest, _ := strings.Cut(line, " ")
	name, options, _ := strings.Cut(strings.TrimSpace(rest), " ")
	k := &l.c.Kernel
	switch {
	case word == "options" && isModule(name):
		l.moduleOption(name, strings.TrimSpace(options))
	case word == "blacklist" && isModule(name):
		k.Blacklist = append(k.Blacklist, name)
	case word == "install" && isModule(name) && isNothing(options): // the usual way to bar a module
		k.Blacklist = append(k.Blacklist, name)
	case word == "softdep" || word == "alias":
		k.ModuleLines = append(k.ModuleLines, strings.Join(strings.Fields(line), " "))
	case word == "weakdep": // it loads nothing
	case (word == "install" || word == "remove") && isModule(name):
		l.noteOnce("modprobe.d", lex.Quote(word+" "+name)+" is without effect: no program is run for a module; want release.run_once")
	default:
		l.noteOnce("modprobe.d", lex.Quote(line)+" is without effect: it is no line of modprobe.d(5)")
	}
}

// isNothing says whether a command of modprobe.d does nothing: such as /bin/false.
func isNothing(command string) bool {
	program, _, _ := strings.Cut(strings.TrimSpace(command), " ")
	program = strings.TrimPrefix(strings.TrimPrefix(program, "/usr"), "/bin/")
	return program == "true" || program == "false" || program == ":"
}

// moduleOption adds options of a module, behind those that it has: the last one counts.
func (l *loader) moduleOption(name, options string) {
	if l.c.Kernel.ModuleOptions == nil {
		l.c.Kernel.ModuleOptions = map[string]string{}
	}
	name = strings.ReplaceAll(name, "-", "_")
	l.c.Kernel.ModuleOptions[name] = strings.TrimSpace(l.c.Kernel.ModuleOptions[name] + " " + options)
}

// sysctl takes a line of sysctl.d: KEY=VALUE, with a - in front where a failure is fine, or -KEY,
// which no pattern stands for then. Of two for one key the last counts.
func (l *loader) sysctl(line string) {
	key, value, ok := strings.Cut(line, "=")
	key, minus := strings.CutPrefix(key, "-")
	key = strings.TrimSpace(key)
	if !ok && !minus || key == "" || strings.Contains(key, "..") || strings.Contains(key, " ") {
		l.noteOnce("sysctl.d", lex.Quote(line)+" is without effect; want KEY = VALUE, such as vm.swappiness = 10")
		return
	}
	path := sysctlPath(key)
	if !strings.Contains(path, "*") {
		l.c.Kernel.Sysctl = slices.DeleteFunc(l.c.Kernel.Sysctl, func(s string) bool {
			return strings.HasPrefix(strings.TrimPrefix(s, "-"), path+"=")
		})
	}
	if ok {
		path += "=" + strings.TrimSpace(value)
	}
	if minus {
		path = "-" + path
	}
	l.c.Kernel.Sysctl = append(l.c.Kernel.Sysctl, path)
}

// sysctlPath is the path below /proc/sys of a key: dots are slashes, and slashes dots,
// where the first of them is a dot (sysctl.d(5)).
func sysctlPath(key string) string {
	if at := strings.IndexAny(key, "./"); at < 0 || key[at] == '/' {
		return key
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, key)
}

// addImageModules adds the modules of the image to those of kernel.modules, but for those that
// modprobe.d bars: systemd-modules-load(8) leaves them out too.
func (l *loader) addImageModules() {
	for _, name := range l.imageModules {
		same := func(have string) bool {
			return strings.ReplaceAll(have, "-", "_") == strings.ReplaceAll(name, "-", "_")
		}
		if slices.ContainsFunc(l.c.Kernel.Blacklist, same) && !slices.ContainsFunc(l.c.Kernel.Modules, same) {
			l.noteOnce("modprobe.d", name+" is not loaded: blacklist, install or modprobe.blacklist= bars it; want it in kernel.modules where it is wanted")
			continue
		}
		if !slices.ContainsFunc(l.c.Kernel.Modules, same) {
			if l.c.from("kernel.modules", "") == BuiltIn {
				l.mark("kernel.modules", "", Image)
			}
			l.c.Kernel.Modules = append(slices.Clone(l.c.Kernel.Modules), name)
		}
	}
}

// list is the names in a directory of the image; none where nobody can tell.
func (l *loader) list(dir string) []string {
	if l.names == nil || !l.mayBe(dir) {
		return nil
	}
	return l.names(dir)
}

// mayBe is false for what is known not to be in /etc: of the two dozen places that are looked
// at there, most images have few.
func (l *loader) mayBe(path string) bool {
	rest, ok := strings.CutPrefix(path, "/etc/")
	name, _, _ := strings.Cut(rest, "/")
	return !ok || len(l.etc) == 0 || len(l.etc) >= maxNames || slices.Contains(l.etc, name)
}
