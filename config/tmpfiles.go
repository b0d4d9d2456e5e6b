package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Tmpfile is a line of tmpfiles.d(5) that has effect.
type Tmpfile struct {
	Type        byte   // d, D, f, F (which is f+ too), L, C or z
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
		l.noteTmpfile(line)
		return
	}
	kind, modifiers := f[0][:1], f[0][1:]
	path, known := specifiers(f[1])
	arg, knownArg := specifiers(strings.TrimSpace(rest))
	if strings.Trim(modifiers, "!-=+") != "" || !strings.Contains("dDvqQfFLCz", kind) || !known || !knownArg || strings.ContainsAny(line, `"'`) || strings.ContainsAny(path, "*?[") {
		l.noteTmpfile(line)
		return
	}
	t := Tmpfile{Type: kind[0], Path: path, Mode: -1, User: f[3], Group: f[4], Arg: unescape(arg)}
	plus := strings.Contains(modifiers, "+")
	switch {
	case strings.Contains("vqQ", kind): // a subvolume is a directory where there is no btrfs
		t.Type = 'd'
	case kind == "f" && plus:
		t.Type = 'F'
	case (kind == "L" || kind == "C") && arg == "":
		t.Arg = "/usr/share/factory" + path
	}
	t.Force = kind == "L" && plus
	if mode := strings.TrimLeft(f[2], "~:"); mode != "" {
		n, err := strconv.ParseUint(mode, 8, 32)
		if err != nil || n > 0o7777 {
			l.noteTmpfile(line)
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
}

// noteTmpfile says of the first line that has no effect that it has none.
func (l *loader) noteTmpfile(line string) {
	l.noteOnce("tmpfiles.d", quote(line)+" is without effect: only d, D, v, f, F, L, C and z are done, without patterns and quotes, and of specifiers %t, %T, %V, %S, %C, %L, %h and %%; want release.run_once for the rest")
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
