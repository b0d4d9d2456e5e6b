package node

import (
	"net/netip"
	"testing"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/netcfg"
)

func TestLacking(t *testing.T) {
	const mountinfo = "22 1 254:0 / / ro - squashfs /dev/root ro\n30 22 254:16 / /data rw - ext4 /dev/vdb rw\n"
	for _, tt := range []struct {
		name string
		plan []boot.Mount
		want bool
	}{
		{"none wanted", nil, false},
		{"there", []boot.Mount{{Target: "/data"}}, false},
		{"one is not", []boot.Mount{{Target: "/data"}, {Target: "/data2", Optional: true}}, true},
		{"below one that is", []boot.Mount{{Target: "/data/more"}}, true},
	} {
		if got := missingMount(tt.plan, []byte(mountinfo)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// The NTP servers of a lease, as chronyd reads them.
func TestTimeSources(t *testing.T) {
	lease := &netcfg.Lease{NTP: []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")}}
	if got, want := string(timeSources(lease)), "server 192.0.2.7 iburst\nserver 2001:db8::7 iburst\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := timeSources(nil); len(got) != 0 {
		t.Errorf("got %q of no lease", got)
	}
}
