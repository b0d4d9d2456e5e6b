package image

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// IsModule says that a string can be the name of a module.
func IsModule(s string) bool { return lex.IsMadeOf(s, "_-") }

// SameModule says that two names are those of one module: - and _ are the same in them.
func SameModule(a, b string) bool {
	return strings.ReplaceAll(a, "-", "_") == strings.ReplaceAll(b, "-", "_")
}

// readModules reads modules-load.d(5), modules(5) of Debian and modprobe.d(5).
func (s *Settings) readModules(f *Files) {
	for _, path := range append(f.DropIns("modules-load.d"), "/etc/modules") {
		for _, line := range f.Lines(path) {
			s.load(line)
		}
	}
	for _, path := range f.DropIns("modprobe.d") {
		for _, line := range f.Lines(path) {
			s.modprobe(line)
		}
	}
}

// load takes a line of modules-load.d: a name, with options behind it as Debian's
// modules(5) once had them.
func (s *Settings) load(line string) {
	name, options, _ := strings.Cut(line, " ")
	options = strings.TrimSpace(options)
	if !IsModule(name) || options != "" && !strings.Contains(options, "=") {
		s.note("modules-load.d", lex.Quote(line)+" is without effect; want the name of a module a line, such as i2c-dev")
		return
	}
	if options != "" {
		s.AddOptions(name, options)
	}
	if !slices.Contains(s.Modules, name) {
		s.Modules = append(s.Modules, name)
	}
}

// modprobe takes a line of modprobe.d.
func (s *Settings) modprobe(line string) {
	word, rest, _ := strings.Cut(line, " ")
	name, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	rest = strings.TrimSpace(rest)
	switch {
	case word == "weakdep": // it loads nothing
	case word == "softdep" || word == "alias":
		s.ModuleLines = append(s.ModuleLines, strings.Join(strings.Fields(line), " "))
	case !IsModule(name):
		s.note("modprobe.d", lex.Quote(line)+" is without effect: it is no line of modprobe.d(5)")
	case word == "options":
		s.AddOptions(name, rest)
	case word == "blacklist", word == "install" && doesNothing(rest): // the usual way to bar a module
		s.Barred = append(s.Barred, name)
	case word == "install" || word == "remove":
		s.note("modprobe.d", lex.Quote(word+" "+name)+" is without effect: no program is run for a module; want release.run_once")
	default:
		s.note("modprobe.d", lex.Quote(line)+" is without effect: it is no line of modprobe.d(5)")
	}
}

// doesNothing says whether a command of modprobe.d does nothing: such as /bin/false.
func doesNothing(command string) bool {
	program, _, _ := strings.Cut(command, " ")
	program = strings.TrimPrefix(strings.TrimPrefix(program, "/usr"), "/bin/")
	return program == "true" || program == "false" || program == ":"
}

// AddOptions adds parameters of a module behind those that it has: the last one counts.
func (s *Settings) AddOptions(name, options string) {
	if s.Options == nil {
		s.Options = map[string]string{}
	}
	name = strings.ReplaceAll(name, "-", "_")
	s.Options[name] = strings.TrimSpace(s.Options[name] + " " + options)
}
