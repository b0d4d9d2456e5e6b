package devices

import (
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
)

// TestUnknown: names that an image has not are a line each, and what is said of the others holds.
func TestUnknown(t *testing.T) {
	read := func(path string) ([]byte, error) {
		switch path {
		case "/etc/passwd":
			return []byte("app:x:1000:1000::/:/bin/sh\n"), nil
		case "/etc/group":
			return []byte("dialout:x:20:app\n"), nil
		}
		return nil, os.ErrNotExist
	}
	const end = "; want a name that is in the image, or a number; its mode and "
	for _, c := range []struct {
		owner, group   string
		uid, gid, mode int
		want           string
	}{
		{"app", "dialout", 1000, 20, 0o660, ""},
		{"root", "0", 0, 0, 0o660, ""},
		{"77", "", 77, -1, 0o660, ""},
		{"ap", "dialout", -1, 20, 0, `[[device]] match = "tty*": owner: no user "ap" in /etc/passwd` + end + "owner stay"},
		{"app", "dial", 1000, -1, 0, `[[device]] match = "tty*": group: no group "dial" in /etc/group` + end + "group stay"},
	} {
		d := config.Device{Match: []string{"devname=tty*"}, Owner: c.owner, Group: c.group, Mode: 0o660}
		r, _ := lookUp(d, read)
		if got := strings.Join(Unknown([]config.Device{d}, read), "\n"); got != c.want || r.uid != c.uid || r.gid != c.gid || r.Mode != c.mode {
			t.Errorf("%s, %s: %d:%d %o %q, want %d:%d %o %q", c.owner, c.group, r.uid, r.gid, r.Mode, got, c.uid, c.gid, c.mode, c.want)
		}
	}
}
