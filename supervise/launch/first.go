package launch

import (
	"syscall"
	"time"

	"github.com/beaminit/beaminit/internal/proc"
	"golang.org/x/sys/unix"
)

// firstLimit is how long a program may take that is run before the release.
const firstLimit = 30 * time.Second

// runFirst runs such a program, in the process that is to become the release: so PID 1
// waits for nothing. It has a session of its own, so that what it leaves running, such
// as a daemon, does not end with the release. What it says goes to the descriptor says;
// a tty of the release is not for it.
func runFirst(argv []string, limit time.Duration, says int) {
	null, _ := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	defer unix.Close(null)
	complain := func(program, what string) {
		unix.Write(says, []byte("beaminit: "+program+": "+what+"; going on\n"))
	}
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir: "/", Env: ProgramEnv(), Files: []uintptr{uintptr(null), uintptr(says), uintptr(says)}, Sys: &syscall.SysProcAttr{Setsid: true},
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
			complain(argv[0], proc.Describe(status))
		}
		return
	}
}
