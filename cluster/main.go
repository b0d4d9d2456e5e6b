package cluster

import (
	"os"

	"github.com/beaminit/beaminit/internal/footprint"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/internal/seccomp"
	"golang.org/x/sys/unix"
)

// allowed is what the monitor needs of the kernel: sockets of TCP and ping, and those of
// sock_diag(7).
var allowed = seccomp.List{Calls: seccomp.Sockets, Families: []uint32{unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}}

// Main is the child of PID 1 that looks at the network: it reads what to watch from
// descriptor 3, orders from descriptor 0, and writes reports to descriptor 1, as nobody, in
// the bounds that PID 1 gives it (launch.Own) and with the system calls above.
func Main([]string) int {
	w, err := readWatch(3)
	if err != nil {
		os.Stderr.WriteString("beaminit-monitor: is for PID 1 to start: " + err.Error() + "\n")
		return 2
	}
	proc.SetName(MonitorName) // not "exe"
	footprint.Small()
	_ = seccomp.Apply(allowed) // PID 1 says where the kernel cannot
	w.Run(0, 1)
	return 0
}
