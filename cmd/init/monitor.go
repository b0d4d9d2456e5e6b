package main

import (
	"os"
	"runtime/debug"
	"unsafe"

	"github.com/beaminit/beaminit/cluster"
	"golang.org/x/sys/unix"
)

// monitor is the child of PID 1 that looks at the network: it reads orders from
// descriptor 0 and writes reports to descriptor 1, as nobody, and can gain no
// privilege again (prctl(2), PR_SET_NO_NEW_PRIVS).
func monitor(args []string) int {
	w, err := cluster.ParseArgs(args)
	if err != nil {
		os.Stderr.WriteString("beaminit-monitor: " + err.Error() + "\n")
		return 2
	}
	unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&[]byte(cluster.MonitorName + "\x00")[0])), 0, 0, 0) // not "exe"
	debug.SetGCPercent(10)
	w.Run(0, 1)
	return 0
}
