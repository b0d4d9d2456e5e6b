package release

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const passwdText = "root:x:0:0:root:/root:/bin/sh\n" +
	"app:x:1000:1001:An app:/home/app:/bin/false\n" +
	"# a comment\n" +
	"toor:x:0:0::/:\n" +
	"short:x\n" +
	"odd:x:one:1\n" +
	"none:x:4294967295:1::/:\n" +
	"again:x:1000:7::/:\n" +
	"77:x:2077:2077::/:\n" +
	"bare:x:5:6"

const groupText = "root:x:0:\n" +
	"app:x:1001:app\n" +
	"dialout:x:20:other,app\n" +
	"gpio:x:21: app \n" +
	"not:x:22:apple,my-app\n" +
	"dialout2:x:20:app\n" +
	"odd:x:what:app\n" +
	"app"

func TestFindUser(t *testing.T) {
	tests := []struct {
		name, want, err string
	}{
		{"root", "root", ""},
		{"0", "root", ""},
		{"toor", "root", ""},
		{"app", "app (uid 1000, gid 1001, groups 1001 20 21)", ""},
		{"1000", "app (uid 1000, gid 1001, groups 1001 20 21)", ""},
		{"again", "again (uid 1000, gid 7, groups 7)", ""},
		{"1234", "1234 (uid 1234, gid 1234, groups 1234)", ""},
		{"77", "77 (uid 2077, gid 2077, groups 2077)", ""},
		{"bare", "bare (uid 5, gid 6, groups 6)", ""},
		{"other", "", `no user "other" in /etc/passwd`},
		{"short", "", `user "short": /etc/passwd:5 has no numbers of a user and a group`},
		{"odd", "", `user "odd": /etc/passwd:6 has no numbers of a user and a group`},
		{"none", "", `user "none": /etc/passwd:7 has no numbers of a user and a group`},
	}
	read := func(path string) ([]byte, error) {
		switch path {
		case PasswdPath:
			return []byte(passwdText), nil
		case GroupPath:
			return []byte(groupText), nil
		}
		return nil, unix.ENOENT
	}
	for _, tt := range tests {
		u, err := FindUser(tt.name, read)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err || u != nil {
				t.Errorf("%s: %v, %v; want the error %q", tt.name, u, err, tt.err)
			}
			continue
		}
		if err != nil || u.String() != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.name, u, err, tt.want)
		}
	}
}

// An image without /etc/passwd knows numbers only.
func TestFindUserWithoutFiles(t *testing.T) {
	read := func(string) ([]byte, error) { return nil, unix.ENOENT }
	if u, err := FindUser("1000", read); err != nil || u.UID != 1000 || u.GID != 1000 {
		t.Errorf("1000: %v, %v", u, err)
	}
	if u, err := FindUser("app", read); err == nil || u != nil || !strings.Contains(err.Error(), `"app"`) {
		t.Errorf("app: %v, %v; want an error", u, err)
	}
}

// Whatever the files hold, nobody becomes root by a number that is not 0, and nobody
// gets the number that means no change.
func FuzzFindUser(f *testing.F) {
	f.Add("app", passwdText, groupText)
	f.Add("1000", passwdText, groupText)
	f.Fuzz(func(t *testing.T, name, passwd, group string) {
		u, err := FindUser(name, func(path string) ([]byte, error) {
			if path == PasswdPath {
				return []byte(passwd), nil
			}
			return []byte(group), nil
		})
		if err != nil && u != nil {
			t.Errorf("%v and %v", u, err)
		}
		if u == nil {
			return
		}
		if u.UID == 0 || len(u.Groups) == 0 || u.Groups[0] != u.GID {
			t.Errorf("%v", u)
		}
		for _, n := range append(u.Groups, u.UID) {
			if n == 1<<32-1 {
				t.Errorf("%v", u)
			}
		}
	})
}
