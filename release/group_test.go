package release

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestInGroup(t *testing.T) {
	read := func(path string) ([]byte, error) {
		if path == GroupPath {
			return []byte(groupText), nil
		}
		return nil, unix.ENOENT
	}
	app := &User{Name: "app", UID: 1000, GID: 1001, Groups: []uint32{1001, 20, 21}}
	tests := []struct {
		user             *User
		group, want, err string
	}{
		{app, "200", "app (uid 1000, gid 200, groups 200 20 21)", ""},
		{app, "dialout", "app (uid 1000, gid 20, groups 20 21)", ""},
		{app, "0", "app (uid 1000, gid 0, groups 0 20 21)", ""},
		{nil, "dialout", "root (uid 0, gid 20, groups 20)", ""},
		{nil, "0", "root", ""},
		{app, "odd", "", `no group "odd" in /etc/group`},
		{nil, "none", "", `no group "none" in /etc/group`},
	}
	for _, tt := range tests {
		u, err := tt.user.InGroup(tt.group, read)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: error %v, want %s", tt.group, err, tt.err)
			}
			continue
		}
		if err != nil || u.String() != tt.want {
			t.Errorf("%v in %s: got %v, %v, want %s", tt.user, tt.group, u, err, tt.want)
		}
	}
	if len(app.Groups) != 3 || app.GID != 1001 {
		t.Errorf("the user itself was changed: %v", app)
	}
}
