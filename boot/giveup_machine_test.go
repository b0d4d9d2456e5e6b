package boot_test

import (
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// An initramfs whose root never comes says why, reboots as panic= says, and leaves a boot
// that did not come up.
func TestRootThatNeverComes(t *testing.T) {
	t.Parallel()
	tests := []struct{ cmdline, why string }{
		{"root=nfs:server", "no root: root: root on NFS (nfs:server) is not supported"},
		{"root=/dev/nosuch rootwait=0 beaminit.root.attempts=2", "no root after 2 attempts (root.attempts): root: /dev/nosuch: no such block device"},
		{"root=/dev/nosuch rootwait beaminit.root.timeout=2s", "no root after 2s (root.timeout): root: /dev/nosuch: no such block device"},
	}
	for _, tt := range tests {
		t.Run(tt.cmdline, func(t *testing.T) {
			m := machine.Start(t, machine.Spec{Cmdline: tt.cmdline, Memory: true})
			m.Line("beaminit: " + tt.why)
			_, stays := boot.PanicAction(tt.cmdline) // the kernel's own setting is that of this machine
			if stays {
				t.Skip("the machine's kernel.panic is 0")
			}
			r, _ := m.State(health.Stopping, 0)
			if !strings.HasPrefix(r.Why, tt.why[:40]) {
				t.Errorf("why=%q, want %q", r.Why, tt.why)
			}
			if got := m.Ended(); got != unix.SIGHUP {
				t.Errorf("ended by %v, want a restart", got)
			}
			m.Line(" (panic=)")
		})
	}
}
