package image

import (
	"reflect"
	"strings"
	"testing"
)

// TestTmpfiles: lines as Yocto's packages have them, and what there is to say of others.
func TestTmpfiles(t *testing.T) {
	for _, c := range []struct{ line, want, note string }{
		{"d /var/lib/app 0750 app app -", "d /var/lib/app 0750 app app", ""},
		{"d\t/run/lock   1777 root root 10d", "d /run/lock 1777 root root", ""},
		{"D! %t/app - - -", "D /run/app - - -", ""},
		{"v /var/tmp 1777", "d /var/tmp 1777 - -", ""},
		{"f /run/utmp 0664 root utmp - hello\\nworld", "f /run/utmp 0664 root utmp hello\nworld", ""},
		{"f+ /run/x - - - - a  b", "F /run/x - - - a  b", ""},
		{"L /etc/localtime - - - - ../usr/share/zoneinfo/UTC", "L /etc/localtime - - - ../usr/share/zoneinfo/UTC", ""},
		{"L+ /etc/mtab - - - - ../proc/self/mounts", "L+ /etc/mtab - - - ../proc/self/mounts", ""},
		{"C /etc/pam.d", "C /etc/pam.d - - - /usr/share/factory/etc/pam.d", ""},
		{"z /dev/kvm 0666 - kvm", "z /dev/kvm 0666 - kvm", ""},
		{"d /a~ ~0700 :app :app", "d /a~ 0700 app app", ""},
		{"d relative 0755", "", ""},
		{"p /run/fifo 0600", "", `without effect: "p /run/fifo 0600"; only d, D`},
		{"z /run/*/x 0600", "", "without effect: "},
		{"d /run/%m 0700", "", "without effect: "},
		{"d /run/x 9999", "", "without effect: "},
		{`d "/run/a b" 0700`, "", "without effect: "},
		{"- /run/x", "", "without effect: "},
		{"d", "", ""},
		{"x /var/lib/app/keep", "", ""},
		{"e /var/lib/app 0750 app", "z /var/lib/app 0750 app -", ""},
		{"e /var/cache/app - - - 3d", "z /var/cache/app - - -", "nothing is removed because it is old, of /var/cache/app"},
		{"r! /data/app.lock", "r /data/app.lock - - -", ""},
		{"w /sys/class/leds/act/trigger - - - - none", "w /sys/class/leds/act/trigger - - - none", ""},
		{"w /etc/issue - - - - x", "", `without effect: "w /etc/issue - - - - x"`},
		{"w+ /proc/x - - - - x", "", "without effect: "},
		{"X /var/lib/app", "", ""},
		{"d /var/log/app 0755 app app 7d", "d /var/log/app 0755 app app", "nothing is removed because it is old, of /var/log/app; want a [[service]] that does it"},
		{"d /tmp/app 0755 - - 1d", "d /tmp/app 0755 - -", ""},
	} {
		got := load(files{"/usr/lib/tmpfiles.d/app.conf": "# a comment\n" + c.line + "\n"})
		told := ""
		for _, f := range got.Tmpfiles {
			told += f.String()
		}
		if n := strings.Join(notes(got), "\n"); told != c.want || !strings.Contains(n, c.note) || (c.note == "") != (n == "") {
			t.Errorf("%q: got %q, want %q; notes %q", c.line, told, c.want, n)
		}
	}
	// A file of /etc hides that of its name, and the first line of a path counts.
	c := load(files{"/usr/lib/tmpfiles.d/a.conf": "d /run/a 0700\n", "/etc/tmpfiles.d/a.conf": "d /run/a 0755\n", "/usr/lib/tmpfiles.d/b.conf": "d /run/a 0711\nd /run/b\n"})
	if len(c.Tmpfiles) != 2 || c.Tmpfiles[0].Mode != 0o755 || c.Tmpfiles[1].Path != "/run/b" {
		t.Errorf("got %v", c.Tmpfiles)
	}
}

// What is not done stands in one note, and what systemd brings for itself in none.
func TestTmpfilesNotes(t *testing.T) {
	const rest = "; only d, D, v, e, f, F, L, C, r, z, and w in /sys and /proc, are done, without patterns and quotes, and of specifiers %t, %T, %V, %S, %C, %L, %h and %%; want release.run_once for the rest"
	c := load(files{
		"/usr/lib/tmpfiles.d/systemd-tmp.conf": "x /tmp/systemd-private-%b-*\nR! /tmp/systemd-private-*\n", "/usr/lib/tmpfiles.d/tmp.conf": "q /var/tmp 1777 root root 30d\n",
		"/usr/lib/tmpfiles.d/x11.conf": "r! /tmp/.X[0-9]*-lock\nd /tmp/.X11-unix 1777 root root 10d\n", "/lib/tmpfiles.d/provision.conf": "f^ /etc/issue.d/a - - - - b\n",
		"/etc/tmpfiles.d/var.conf": "R /data/cache\n", "/usr/lib/tmpfiles.d/app.conf": "e /var/lib/app/* - - - 14d\nr /data/*.lock\n",
	})
	want := []string{`tmpfiles.d: without effect: "e /var/lib/app/* - - - 14d", "r /data/*.lock", "R /data/cache"` + rest}
	if got := notes(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	c = load(files{"/etc/tmpfiles.d/a.conf": strings.Repeat("p /a\n", 23)})
	if got := notes(c); len(got) != 1 || !strings.Contains(got[0], `"p /a" and 3 others; only`) {
		t.Errorf("of many: %q", got)
	}
}

// The files by which the init scripts of Yocto make what is not on the root say what those of
// tmpfiles.d say.
func TestVolatiles(t *testing.T) {
	c := load(files{
		"/etc/default/volatiles/00_core": "# type owner group mode path target\nd root root 1777 /run/lock none\nl root root 1777 /var/lock /run/lock\nf root utmp 0664 /run/utmp none\n" +
			"l root root 0644 /etc/resolv.conf /run/resolv.conf\nf root root 0644 /run/resolv.conf none\n\nshort\n",
		"/etc/default/volatiles/99_app": "d app app 0750 /var/log/app none\nb root root 0755 /x /y\n",
		"/usr/lib/tmpfiles.d/app.conf":  "d /run/lock 0755\n",
	})
	got := ""
	for _, f := range c.Tmpfiles {
		got += f.String() + "\n"
	}
	const want = "d /run/lock 0755 - -\nL /var/lock - - - /run/lock\nf /run/utmp 0664 root utmp\nd /var/log/app 0750 app app\n"
	if n := strings.Join(notes(c), "\n"); got != want || !strings.Contains(n, `without effect: "b /x 0755 root root"; only`) {
		t.Errorf("got\n%swant\n%snotes %s", got, want, n)
	}
}

// FuzzTmpfiles: of a line nothing is made that is not absolute, and none stops the rest.
func FuzzTmpfiles(f *testing.F) {
	f.Add("d /run/app 0755 app app 10d -")
	f.Add("L+ %t/x - - - - \\x20")
	f.Add("-")
	f.Fuzz(func(t *testing.T, line string) {
		c := load(files{"/etc/tmpfiles.d/a.conf": line + "\nd /run/last 0700\n"})
		for _, f := range c.Tmpfiles {
			if !strings.HasPrefix(f.Path, "/") || f.Mode > 0o7777 {
				t.Errorf("%q: %s", line, f)
			}
		}
		// A backslash at the end of the line makes one of both.
		if n := len(c.Tmpfiles); !strings.HasSuffix(line, `\`) && len(line) < 1<<10 && (n == 0 || c.Tmpfiles[n-1].Path != "/run/last") && n < maxTmpfiles && !strings.Contains(line, "/run/last") {
			t.Errorf("%q takes the next line along: %v", line, c.Tmpfiles)
		}
	})
}
