package cluster

import (
	"os"
	"runtime/debug"

	"github.com/beaminit/beaminit/internal/proc"
)

// Main is the child of PID 1 that looks at the network: it reads orders from
// descriptor 0 and writes reports to descriptor 1, as nobody, and can gain no
// privilege again (prctl(2), PR_SET_NO_NEW_PRIVS).
func Main(args []string) int {
	w, err := ParseArgs(args)
	if err != nil {
		os.Stderr.WriteString("beaminit-monitor: " + err.Error() + "\n")
		return 2
	}
	proc.NoNewPrivs()
	proc.SetName(MonitorName) // not "exe"
	debug.SetGCPercent(10)
	w.Run(0, 1)
	return 0
}
