// Package tmpfiles reads lines of tmpfiles.d(5), and those of the volatiles of Yocto's init
// scripts, which say the same in another order: directories, files and links to be made at a
// boot. It reads them one by one; what of them is made, and when, is for others to say.
package tmpfiles

import (
	"fmt"
	"strconv"
	"strings"
)

// Line is a line that can be done.
type Line struct {
	Type        byte   // d, D, f, F (which is f+ too), L, C, z, r or w
	Force       bool   // L+: what is there is replaced
	Path        string // as it stands there; one that is not absolute is for nobody
	Mode        int    // permission bits with those of chmod(2); negative: the type's own
	User, Group string // name or number; empty: root
	Age         string // after which others would remove what is in it; nothing is removed here
	Arg         string // what a file has in it, where a link leads, what is copied
}

// String is the line as a plan has it, without its age.
func (l Line) String() string {
	kind, mode := string(l.Type), "-"
	if l.Force {
		kind += "+"
	}
	if l.Mode >= 0 {
		mode = fmt.Sprintf("%04o", l.Mode)
	}
	who := func(name string) string {
		if name == "" {
			return "-"
		}
		return name
	}
	return strings.TrimSpace(strings.Join([]string{kind, l.Path, mode, who(l.User), who(l.Group), l.Arg}, " "))
}

// Parse reads TYPE PATH MODE USER GROUP AGE ARGUMENT, with blanks between them. ok is false
// for what is not done: other types and modifiers, patterns, quotes, specifiers that differ
// from machine to machine, and w anywhere but in /sys and /proc.
func Parse(line string) (l Line, ok bool) {
	f, rest := fields(line)
	if f[0] == "" { // a - of its own
		return l, false
	}
	kind, modifiers := f[0][:1], f[0][1:]
	path, known := expand(f[1])
	arg, knownArg := expand(rest)
	switch {
	case strings.Trim(modifiers, "!-=+") != "" || !strings.Contains("dDvqQfFLCzerw", kind):
		return l, false
	case !known || !knownArg || strings.ContainsAny(line, `"'`) || strings.ContainsAny(path, "*?["):
		return l, false
	}
	l = Line{Type: kind[0], Path: path, User: strings.TrimLeft(f[3], ":"), Group: strings.TrimLeft(f[4], ":"), Age: f[5], Arg: unescape(arg)}
	plus := strings.Contains(modifiers, "+")
	switch kind {
	case "v", "q", "Q": // a subvolume is a directory where there is no btrfs
		l.Type = 'd'
	case "e": // it makes nothing
		l.Type = 'z'
	case "w":
		if plus || !strings.HasPrefix(path, "/sys/") && !strings.HasPrefix(path, "/proc/") {
			return l, false
		}
	case "f":
		if plus {
			l.Type = 'F'
		}
	case "L", "C":
		l.Force = kind == "L" && plus
		if arg == "" {
			l.Arg = "/usr/share/factory" + path
		}
	}
	l.Mode, ok = mode(f[2])
	return l, ok
}

// fields cuts off the six fields before the argument; a field that is - is empty.
func fields(line string) (f [6]string, argument string) {
	for i := range f {
		f[i], line, _ = strings.Cut(strings.TrimLeft(line, " "), " ")
		if f[i] == "-" {
			f[i] = ""
		}
	}
	return f, strings.TrimSpace(line)
}

// mode reads permission bits in octal; ~ and : in front say when they count.
func mode(s string) (bits int, ok bool) {
	if s = strings.TrimLeft(s, "~:"); s == "" {
		return -1, true
	}
	n, err := strconv.ParseUint(s, 8, 32)
	return int(n), err == nil && n <= 0o7777
}

// Volatile makes a line of tmpfiles.d of one of /etc/default/volatiles, which is TYPE USER
// GROUP MODE PATH TARGET. ok is false where fields are missing, and for /etc/resolv.conf,
// which is the node's.
func Volatile(line string) (s string, ok bool) {
	f := strings.Fields(line)
	switch {
	case len(f) < 5 || strings.HasSuffix(f[4], "/resolv.conf"):
		return "", false
	case f[0] == "l":
		return "L " + f[4] + " - - - - " + strings.Join(f[5:], ""), true
	}
	return f[0] + " " + f[4] + " " + f[3] + " " + f[1] + " " + f[2], true
}

// specifiers are those that are the same on all machines.
var specifiers = strings.NewReplacer("%%", "%", "%t", "/run", "%T", "/tmp", "%V", "/var/tmp",
	"%S", "/var/lib", "%C", "/var/cache", "%L", "/var/log", "%h", "/root")

// expand replaces them; false where there is another.
func expand(s string) (string, bool) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '%' {
			if !strings.ContainsRune("%tTVSCLh", rune(s[i+1])) {
				return s, false
			}
			i++
		}
	}
	return specifiers.Replace(s), true
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
