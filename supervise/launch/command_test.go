package launch

import (
	"reflect"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What the helper is told is what it does.
func TestHelperArgs(t *testing.T) {
	tests := []struct {
		name   string
		bounds Bounds
		of     Command
		want   rights
		none   bool
	}{
		{"nothing of its own", Bounds{}, Command{}, rights{}, true},
		{"nobody", Bounds{User: Nobody(MonitorUID)}, Command{}, rights{drop: true, user: true, uid: MonitorUID, gid: MonitorUID}, false},
		{"a user with groups", Bounds{User: &syscall.Credential{Uid: 1, Gid: 2, Groups: []uint32{3, 4}}}, Command{}, rights{drop: true, user: true, uid: 1, gid: 2, groups: []uint32{3, 4}}, false},
		{"the network child", Bounds{User: Nobody(MonitorUID), Capabilities: []string{"net_admin", "net_raw", "net_bind_service"}}, Command{},
			rights{drop: true, user: true, uid: MonitorUID, gid: MonitorUID, wanted: 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_NET_BIND_SERVICE}, false},
		{"root without privileges to gain", Bounds{NoNewPrivs: true}, Command{}, rights{noNew: true}, false},
		{"on a disk that may hang", Bounds{}, Command{Away: true, Dir: "/"}, rights{}, false},
		{"a directory to keep", Bounds{}, Command{Keep: "/data/beaminit/net"}, rights{keep: "/data/beaminit/net"}, false},
	}
	for _, tt := range tests {
		c := tt.of
		c.Bounds = tt.bounds
		args := c.helperArgs(300)
		if tt.none {
			if args != nil {
				t.Errorf("%s: got %q, want no helper", tt.name, args)
			}
			continue
		}
		got := rights{}
		for i := 1; i < len(args); i++ {
			name, value, _ := strings.Cut(args[i], "=")
			if err := got.take(name, value); err != nil {
				t.Errorf("%s: %s: %v", tt.name, args[i], err)
			}
		}
		tt.want.says = 300
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
