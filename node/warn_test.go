package node

import (
	"testing"

	"github.com/beaminit/beaminit/boot"
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
