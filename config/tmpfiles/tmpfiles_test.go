package tmpfiles

import "testing"

// What is read of a line; TestTmpfiles of config/image has more of them.
func TestParse(t *testing.T) {
	for line, want := range map[string]string{
		"d /var/lib/app 0750 app app 7d": "d /var/lib/app 0750 app app",
		"F /run/x - - - - a  b":          "F /run/x - - - a  b",
		"f+ /run/x":                      "F /run/x - - -",
		"L+ %t/x - - - - ../a%%b":        "L+ /run/x - - - ../a%b",
		"Q /var/lib/x ~0700 :app":        "d /var/lib/x 0700 app -",
		"C /etc/pam.d":                   "C /etc/pam.d - - - /usr/share/factory/etc/pam.d",
		"w /etc/issue - - - - x":         "",
		"d /run/%b":                      "",
		"d /run/x 8":                     "",
		"t /run/x":                       "",
		"":                               "",
	} {
		l, ok := Parse(line)
		if got := l.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q, %v, want %q", line, got, ok, want)
		}
	}
	if l, _ := Parse("d /var/cache/app - - - 3d"); l.Age != "3d" {
		t.Errorf("age %q", l.Age)
	}
}

func TestVolatile(t *testing.T) {
	for line, want := range map[string]string{
		"d root app 1777 /run/lock none":         "d /run/lock 1777 root app",
		"l root root 1777 /tmp /var/tmp":         "L /tmp - - - - /var/tmp",
		"f root root 0644 /run/resolv.conf none": "",
		"d root root":                            "",
	} {
		if got, ok := Volatile(line); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", line, got, ok, want)
		}
	}
}

// FuzzParse: of no line is anything made that cannot be done.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"d /run/app 0755 app app 10d -", `L+ %t/x - - - - \x20`, "-", "f+ /a - - - - b\\nc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if l, ok := Parse(line); ok && (l.Mode < -1 || l.Mode > 0o7777) {
			t.Errorf("%q: %+v", line, l)
		}
		if s, ok := Volatile(line); ok {
			Parse(s)
		}
	})
}
