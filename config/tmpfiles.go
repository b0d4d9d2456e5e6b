package config

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// Tmpfile is a line of tmpfiles.d(5) that has effect.
type Tmpfile struct {
	Type        byte   // d, D, f, F (which is f+ too), L, C, z, r or w
	Force       bool   // L+: what is there is replaced
	Path        string // absolute
	Mode        int    // permission bits with those of chmod(2); negative: the type's own
	User, Group string // name or number; empty: root
	Arg         string // what a file has in it, where a link leads, what is copied
}

// String is the line as a plan has it.
func (t Tmpfile) String() string {
	kind, mode := string(t.Type), "-"
	if t.Force {
		kind += "+"
	}
	if t.Mode >= 0 {
		mode = fmt.Sprintf("%04o", t.Mode)
	}
	who := func(name string) string {
		if name == "" {
			return "-"
		}
		return name
	}
	return strings.TrimSpace(strings.Join([]string{kind, t.Path, mode, who(t.User), who(t.Group), t.Arg}, " "))
}

// maxTmpfiles is how many lines there may be.
const maxTmpfiles = 256

// tmpfile takes a line of tmpfiles.d(5): TYPE PATH MODE USER GROUP AGE ARGUMENT. The age is
// of no use here: nothing is removed later.
func (l *loader) tmpfile(line string) {
	var f [6]string
	rest := line
	for i := range f {
		f[i], rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
		if f[i] == "-" {
			f[i] = ""
		}
	}
	if f[0] == "" { // a - of its own
		l.notDone(line)
		return
	}
	kind, modifiers := f[0][:1], f[0][1:]
	path, known := specifiers(f[1])
	arg, knownArg := specifiers(strings.TrimSpace(rest))
	if strings.Trim(modifiers, "!-=+") != "" || !strings.Contains("dDvqQfFLCzerw", kind) || !known || !knownArg || strings.ContainsAny(line, `"'`) || strings.ContainsAny(path, "*?[") {
		l.notDone(line)
		return
	}
	t := Tmpfile{Type: kind[0], Path: path, Mode: -1, User: f[3], Group: f[4], Arg: unescape(arg)}
	plus := strings.Contains(modifiers, "+")
	switch {
	case strings.Contains("vqQ", kind): // a subvolume is a directory where there is no btrfs
		t.Type = 'd'
	case kind == "e": // it makes nothing
		t.Type = 'z'
	case kind == "w" && (plus || !strings.HasPrefix(path, "/sys/") && !strings.HasPrefix(path, "/proc/")):
		l.notDone(line)
		return
	case kind == "f" && plus:
		t.Type = 'F'
	case (kind == "L" || kind == "C") && arg == "":
		t.Arg = "/usr/share/factory" + path
	}
	t.Force = kind == "L" && plus
	if mode := strings.TrimLeft(f[2], "~:"); mode != "" {
		n, err := strconv.ParseUint(mode, 8, 32)
		if err != nil || n > 0o7777 {
			l.notDone(line)
			return
		}
		t.Mode = int(n)
	}
	t.User, t.Group = strings.TrimLeft(t.User, ":"), strings.TrimLeft(t.Group, ":")
	same := func(have Tmpfile) bool { return have.Path == path && have.Type == t.Type }
	if !isAbs(path) || len(l.c.Tmpfiles) == maxTmpfiles || slices.ContainsFunc(l.c.Tmpfiles, same) { // the first of two counts
		return
	}
	l.c.Tmpfiles = append(l.c.Tmpfiles, t)
	// Of what a boot makes anew, nothing is old.
	if f[5] != "" && !l.ofVendor() && !strings.HasPrefix(path, "/tmp") && !strings.HasPrefix(path, "/run") && path != "/var/tmp" {
		l.aged = append(l.aged, path)
	}
}

// vendorsTmpfiles are files of tmpfiles.d that systemd and its distributions bring for what they
// do themselves; what of them is not done is missed by nobody.
const vendorsTmpfiles = "credstore debian etc home journal-nocow legacy passwd portables provision static-nodes-permissions tmp var x11"

// ofVendor says whether the file at hand is one of systemd's own.
func (l *loader) ofVendor() bool {
	dir, name := path.Split(l.imagePath)
	name = strings.TrimSuffix(name, ".conf")
	return !strings.HasPrefix(dir, "/etc/") && (strings.HasPrefix(name, "systemd") || name == "basic" || slices.Contains(strings.Fields(vendorsTmpfiles), name))
}

// notDone keeps a line that has no effect; x and X bar what is not done anyway.
func (l *loader) notDone(line string) {
	if !l.ofVendor() && !strings.HasPrefix(strings.ToLower(line), "x ") {
		l.undone = append(l.undone, lex.Quote(line))
	}
}

// noteTmpfiles names what has no effect.
func (l *loader) noteTmpfiles() {
	if len(l.undone) > 0 {
		l.note("tmpfiles.d", "without effect: "+lex.Some(l.undone)+"; only d, D, v, e, f, F, L, C, r, z, and w in /sys and /proc, are done, without patterns and quotes, and of specifiers %t, %T, %V, %S, %C, %L, %h and %%; want release.run_once for the rest")
	}
	if len(l.aged) > 0 {
		l.note("tmpfiles.d", "nothing is removed because it is old, of "+lex.Some(l.aged)+"; want a [[service]] that does it")
	}
}

// volatiles are files by which the init scripts of Yocto make what is not on the root.
const volatiles = "/etc/default/volatiles"

// volatile takes a line of them: TYPE USER GROUP MODE PATH TARGET. /etc/resolv.conf is the node's.
func (l *loader) volatile(line string) {
	f := strings.Fields(line)
	if len(f) < 5 || strings.HasSuffix(f[4], "/resolv.conf") {
		return
	}
	if f[0] == "l" {
		line = "L " + f[4] + " - - - - " + strings.Join(f[5:], "")
	} else {
		line = f[0] + " " + f[4] + " " + f[3] + " " + f[1] + " " + f[2]
	}
	l.tmpfile(line)
}

// sysuser takes a line of sysusers.d(5): its users are those of the image.
func (l *loader) sysuser(line string) {
	f := strings.Fields(line)
	file := map[byte]string{'u': "/etc/passwd", 'g': "/etc/group"}[line[0]]
	if len(f) > 1 && file != "" && !l.ofVendor() {
		l.c.sysusers = append(l.c.sysusers, [2]string{file, f[1]})
	}
}

// MissingUsers names the users and groups of sysusers.d that the image does not have; empty:
// none. It is no part of Load, as PID 1 waits for no file of the image.
func (c *Config) MissingUsers(read func(path string) ([]byte, error)) string {
	var missing []string
	for _, u := range c.sysusers {
		text, err := read(u[0])
		if err == nil && !strings.Contains("\n"+string(text), "\n"+u[1]+":") {
			missing = append(missing, u[1])
		}
	}
	if missing == nil {
		return ""
	}
	return Note{Key: "image", Text: broughtText("users of sysusers.d", missing, "them in /etc/passwd and /etc/group of the image")}.String()
}

// tmpDirs are the specifiers of tmpfiles.d(5) that are the same on all machines.
var tmpDirs = strings.NewReplacer("%%", "%", "%t", "/run", "%T", "/tmp", "%V", "/var/tmp", "%S", "/var/lib", "%C", "/var/cache", "%L", "/var/log", "%h", "/root")

// specifiers replaces them; false where there is another.
func specifiers(s string) (string, bool) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '%' {
			if !strings.ContainsRune("%tTVSCLh", rune(s[i+1])) {
				return s, false
			}
			i++
		}
	}
	return tmpDirs.Replace(s), true
}

// unescape replaces the \n, \t, \\ and \xNN of C; what is none of them stays.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	if text, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`); err == nil {
		return text
	}
	return s
}
