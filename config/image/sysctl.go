package image

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// readSysctl reads sysctl.d(5), and /etc/sysctl.conf last, as procps does.
func (s *Settings) readSysctl(f *Files) {
	for _, path := range append(f.DropIns("sysctl.d"), "/etc/sysctl.conf") {
		for _, line := range f.Lines(path) {
			s.AddSysctl(line)
		}
	}
}

// AddSysctl takes a line of sysctl.d: KEY=VALUE, with a - in front where a failure is fine, or
// -KEY, which no pattern stands for then. Of two for one key the last counts.
func (s *Settings) AddSysctl(line string) {
	key, value, ok := strings.Cut(line, "=")
	key, minus := strings.CutPrefix(key, "-")
	key = strings.TrimSpace(key)
	isKey := key != "" && !strings.Contains(key, "..") && !strings.Contains(key, " ")
	if !isKey || !ok && !minus {
		s.note("sysctl.d", lex.Quote(line)+" is without effect; want KEY = VALUE, such as vm.swappiness = 10")
		return
	}
	path := sysctlPath(key)
	if !strings.Contains(path, "*") {
		s.Sysctl = slices.DeleteFunc(s.Sysctl, func(have string) bool {
			return strings.HasPrefix(strings.TrimPrefix(have, "-"), path+"=")
		})
	}
	if ok {
		path += "=" + strings.TrimSpace(value)
	}
	if minus {
		path = "-" + path
	}
	s.Sysctl = append(s.Sysctl, path)
}

// sysctlPath is the path below /proc/sys of a key: dots are slashes, and slashes dots,
// where the first of them is a dot (sysctl.d(5)).
func sysctlPath(key string) string {
	if at := strings.IndexAny(key, "./"); at < 0 || key[at] == '/' {
		return key
	}
	return strings.NewReplacer(".", "/", "/", ".").Replace(key)
}
