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
		first  [][]string
		want   rights
		none   bool
	}{
		{"nothing of its own", Bounds{}, nil, rights{}, true},
		{"nobody", Bounds{User: Nobody()}, nil, rights{drop: true, user: true, uid: 65534, gid: 65534}, false},
		{"a user with groups", Bounds{User: &syscall.Credential{Uid: 1, Gid: 2, Groups: []uint32{3, 4}}}, nil, rights{drop: true, user: true, uid: 1, gid: 2, groups: []uint32{3, 4}}, false},
		{"the network child", Bounds{User: Nobody(), Capabilities: []string{"net_admin", "net_raw", "net_bind_service"}}, nil,
			rights{drop: true, user: true, uid: 65534, gid: 65534, wanted: 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_NET_BIND_SERVICE}, false},
		{"root without privileges to gain", Bounds{NoNewPrivs: true}, nil, rights{noNew: true}, false},
		{"a program before it", Bounds{}, [][]string{{"/bin/true", "--", "x"}}, rights{}, false},
	}
	for _, tt := range tests {
		c := Command{Bounds: tt.bounds, First: tt.first}
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
			if name == "run" {
				i += len(tt.first[0])
				continue
			}
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
