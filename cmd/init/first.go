package main

import (
	"os"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/supervise"
	"golang.org/x/sys/unix"
)

// firstLimit is how long a program may take that is run before the release.
const firstLimit = 30 * time.Second

// runFirst runs such a program, in the process that is to become the release: so PID 1
// waits for nothing. It has a session of its own, so that what it leaves running, such
// as a daemon, does not end with the release. What it says goes where the release's
// output goes.
func runFirst(argv []string, limit time.Duration) {
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		complain("exec "+argv[0], err.Error())
		return
	}
	late := time.AfterFunc(limit, func() {
		complain(argv[0], "not done within "+limit.String()+", killed")
		unix.Kill(-pid, unix.SIGKILL)
	})
	var status unix.WaitStatus
	for {
		done, err := unix.Wait4(pid, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if late.Stop() && done == pid && status != 0 {
			complain(argv[0], supervise.Describe(status))
		}
		return
	}
}

func complain(program, what string) {
	os.Stderr.WriteString("beaminit: " + program + ": " + what + "; going on\n")
}
