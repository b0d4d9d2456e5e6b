package image

import (
	"path"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
	"github.com/beaminit/beaminit/config/tmpfiles"
)

// volatiles are files by which the init scripts of Yocto make what is not on the root.
const volatiles = "/etc/default/volatiles"

// maxTmpfiles is how many lines of tmpfiles.d are done.
const maxTmpfiles = 256

// readTmpfiles reads tmpfiles.d(5), and the volatiles of Yocto.
func (s *Settings) readTmpfiles(f *Files) {
	for _, path := range f.DropIns("tmpfiles.d") {
		for _, line := range f.Lines(path) {
			s.tmpfile(path, line)
		}
	}
	for _, name := range f.Names(volatiles) {
		path := volatiles + "/" + name
		for _, line := range f.Lines(path) {
			if line, ok := tmpfiles.Volatile(line); ok {
				s.tmpfile(path, line)
			}
		}
	}
	if len(s.undone) > 0 {
		s.note("tmpfiles.d", "without effect: "+lex.Some(s.undone)+
			"; only d, D, v, e, f, F, L, C, r, z, and w in /sys and /proc, are done, without patterns and quotes, "+
			"and of specifiers %t, %T, %V, %S, %C, %L, %h and %%; want release.run_once for the rest")
	}
	if len(s.aged) > 0 {
		s.note("tmpfiles.d", "nothing is removed because it is old, of "+lex.Some(s.aged)+"; want a [[service]] that does it")
	}
}

// tmpfile takes a line of a file; of two for one path the first counts. Lines that are not
// done are named, but for systemd's own, and for x and X, which bar what is not done anyway.
func (s *Settings) tmpfile(file, line string) {
	t, ok := tmpfiles.Parse(line)
	same := func(have tmpfiles.Line) bool { return have.Path == t.Path && have.Type == t.Type }
	switch {
	case !ok && !isVendors(file) && !strings.HasPrefix(strings.ToLower(line), "x "):
		s.undone = append(s.undone, lex.Quote(line))
	case !ok || !path.IsAbs(t.Path) || len(s.Tmpfiles) == maxTmpfiles || slices.ContainsFunc(s.Tmpfiles, same):
	default:
		s.Tmpfiles = append(s.Tmpfiles, t)
		if t.Age != "" && !isVendors(file) && !isMadeAnew(t.Path) {
			s.aged = append(s.aged, t.Path)
		}
	}
}

// isMadeAnew says that what is there is made at each boot, so that nothing of it gets old.
func isMadeAnew(path string) bool {
	return strings.HasPrefix(path, "/tmp") || strings.HasPrefix(path, "/run") || path == "/var/tmp"
}

// readUsers reads sysusers.d(5): users and groups that somebody else would make.
func (s *Settings) readUsers(f *Files) {
	for _, path := range f.DropIns("sysusers.d") {
		for _, line := range f.Lines(path) {
			fields := strings.Fields(line)
			file := map[byte]string{'u': "/etc/passwd", 'g': "/etc/group"}[line[0]]
			if len(fields) > 1 && file != "" && !isVendors(path) {
				s.Users = append(s.Users, User{file, fields[1]})
			}
		}
	}
}

// vendors are files of tmpfiles.d and sysusers.d that systemd and its distributions bring for
// what they do themselves; what of them is not done is missed by nobody.
var vendors = [...]string{"basic", "credstore", "debian", "etc", "home", "journal-nocow", "legacy", "passwd", "portables",
	"provision", "static-nodes-permissions", "tmp", "var", "x11"}

// isVendors says whether a file is one of them, or one of systemd's own.
func isVendors(file string) bool {
	dir, name := path.Split(file)
	name = strings.TrimSuffix(name, ".conf")
	return !strings.HasPrefix(dir, "/etc/") && (strings.HasPrefix(name, "systemd") || slices.Contains(vendors[:], name))
}
