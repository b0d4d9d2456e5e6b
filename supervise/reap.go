package supervise

import (
	"time"

	"golang.org/x/sys/unix"
)

// reapAll takes every child that has ended, gives each to ended, and says whether
// there are others. SIGCHLD coalesces: one signal can stand for any number of
// children, so it takes all.
func reapAll(ended func(pid int, status unix.WaitStatus)) (left bool) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return err == nil
		}
		ended(pid, status)
	}
}

// ReapUntil collects children until none is left or the deadline has come, and
// says whether any is left. It is for the way down, after the loop has ended:
// there is never more than one waiter in PID 1.
func (s *Signals) ReapUntil(deadline time.Time) (left bool) {
	events := s.Listen()
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	for {
		if !reapAll(func(int, unix.WaitStatus) {}) {
			return false
		}
		select {
		case <-events:
		case <-timeout.C:
			return reapAll(func(int, unix.WaitStatus) {})
		}
	}
}
