package image

import (
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// files are those of an image, by their paths.
type files map[string]string

func (f files) read(path string) ([]byte, error) {
	text, ok := f[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

// list is the names of files in a directory.
func (f files) list(dir string) (names []string) {
	for p := range f {
		if rest, below := strings.CutPrefix(p, dir+"/"); below {
			name, _, _ := strings.Cut(rest, "/") // a file, or a directory
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func load(f files) *Settings { return Read(NewFiles(f.read, f.list)) }

func notes(s *Settings) (lines []string) {
	for _, n := range s.Notes {
		lines = append(lines, n.Kind+": "+n.Text)
	}
	return lines
}

// Lines of modprobe.d and sysctl.d that are not done are named, each with what it is.
func TestLines(t *testing.T) {
	for _, c := range []struct{ file, line, note string }{
		{"modprobe.d", "install usb-storage /bin/false", ""},
		{"modprobe.d", "install cramfs /usr/bin/true", ""},
		{"modprobe.d", "install x :", ""},
		{"modprobe.d", "softdep a pre: b", ""},
		{"modprobe.d", "weakdep a b", ""},
		{"modprobe.d", "alias wlan0 foo", ""},
		{"modprobe.d", "install wifi /sbin/modprobe --ignore-install wifi; /usr/bin/fw", `"install wifi" is without effect: no program is run for a module; want release.run_once`},
		{"modprobe.d", "remove wifi /bin/x", `"remove wifi" is without effect: no program`},
		{"modprobe.d", "options", `"options" is without effect: it is no line of modprobe.d(5)`},
		{"modprobe.d", "blacklist a/b", `"blacklist a/b" is without effect: it is no line`},
		{"modprobe.d", "nonsense", `"nonsense" is without effect: it is no line`},
		{"modules-load.d", "i2c-dev", ""},
		{"modules-load.d", "i2c-dev bus=1", ""},
		{"modules-load.d", "foo bar", `"foo bar" is without effect; want the name of a module a line`},
		{"modules-load.d", "../x", `"../x" is without effect`},
		{"sysctl.d", "vm.swappiness 10", `"vm.swappiness 10" is without effect; want KEY = VALUE`},
		{"sysctl.d", "= 3", `"= 3" is without effect`},
		{"sysctl.d", "-net.ipv4.conf.all.rp_filter", ""},
		{"sysctl.d", "-a b", "is without effect"},
		{"sysctl.d", "../../etc/x = 3", "is without effect"},
		{"sysctl.d", "kernel.core_pattern=|/bin/x %p=1", ""},
	} {
		got := load(files{"/etc/" + c.file + "/a.conf": c.line + "\n"})
		if n := strings.Join(notes(got), "\n"); !strings.Contains(n, c.note) || (c.note == "") != (n == "") {
			t.Errorf("%s: %q: notes %q, want %q", c.file, c.line, n, c.note)
		}
	}
	with := load(files{"/etc/modules": "i2c-dev bus=1\n"})
	if !reflect.DeepEqual(with.Modules, []string{"i2c-dev"}) || with.Options["i2c_dev"] != "bus=1" {
		t.Errorf("a module with an option: %q, %q", with.Modules, with.Options)
	}
}
