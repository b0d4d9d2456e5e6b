package supervise

import (
	"fmt"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Program is a process to start, as execve(2) wants it.
type Program struct {
	Path      string
	Argv, Env []string
	Dir       string
	User      *syscall.Credential // nil: root, as PID 1 is
	UID       int                 // whom it becomes by itself, where User is nil
	Bound     bool                // gains no privilege by what it executes (PR_SET_NO_NEW_PRIVS)
	Heart     bool                // it starts this program as its heart
	Notify    uint32              // mode of the socket on which it says that it is ready; 0: it says nothing
	With      *Program            // has to run too, before it; nil: nothing
	TTY       bool                // its standard input becomes its controlling tty
	Says      bool                // it gets a descriptor 3 for what PID 1 is to hear
}

// uid is the user that it runs as.
func (p *Program) uid() int {
	if p.User == nil {
		return p.UID
	}
	return int(p.User.Uid)
}

// nobody gives the user and group of the monitor: the ids that the kernel itself
// uses for "no user" (proc(5), overflowuid).
func nobody() *syscall.Credential { return &syscall.Credential{Uid: 65534, Gid: 65534} }

// spawn starts p with the three standard descriptors given, in a session of its
// own, so that no other tty's signals reach it and what it leaves can be found. says is
// its descriptor 3, where p wants one.
//
// It must be called by the goroutine that also reaps: a child that is registered
// before the next wait4(2) cannot be taken for an orphan.
func (s *Signals) spawn(p Program, in, out, err int, says ...int) (pid int, e error) {
	p.Path, p.Argv = s.Unblocked(p.Path, p.Argv)
	attr := &syscall.ProcAttr{
		Dir:   p.Dir,
		Env:   p.Env,
		Files: []uintptr{uintptr(in), uintptr(out), uintptr(err)},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: p.TTY, Credential: p.User},
	}
	if p.Says {
		attr.Files = append(attr.Files, uintptr(says[0]))
	}
	if !p.Bound {
		return syscall.ForkExec(p.Path, p.Argv, attr)
	}
	return forkBound(p, attr)
}

// forkBound starts a child with PR_SET_NO_NEW_PRIVS (prctl(2)): no setuid program
// and no file capability gives it what its user has not. syscall.ForkExec has no
// word for it, but the child inherits it from the thread that forks. That thread
// cannot lose it again, so it ends with its goroutine (runtime.LockOSThread).
func forkBound(p Program, attr *syscall.ProcAttr) (pid int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil { // in a goroutine of its own it would end PID 1
				err = fmt.Errorf("panic: %v", v)
			}
		}()
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The first thread never ends, and is what /proc shows of PID 1. As long
			// as this goroutine holds it, the next one gets another.
			defer runtime.UnlockOSThread()
			pid, err = forkBound(p, attr)
			return
		}
		if err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			err = fmt.Errorf("prctl(PR_SET_NO_NEW_PRIVS): %w", err)
			return
		}
		pid, err = syscall.ForkExec(p.Path, p.Argv, attr)
	}()
	<-done
	return pid, err
}

// giveWay leaves the CPU to the child that was just started. On a machine with one
// CPU the kernel wakes PID 1 in the middle of the child's exec, and all that PID 1
// does then would come before the first instruction of the release. A sleep, because
// sched_yield(2) was measured to change nothing here.
func giveWay() {
	pause := unix.NsecToTimespec(int64(time.Millisecond))
	unix.Nanosleep(&pause, nil)
}

// collect takes every child that has ended, gives each to ended, and says whether
// there are others. SIGCHLD coalesces: one signal can stand for any number of
// children, so it takes all.
func collect(ended func(pid int, status unix.WaitStatus)) (left bool) {
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
		if !collect(func(int, unix.WaitStatus) {}) {
			return false
		}
		select {
		case <-events:
		case <-timeout.C:
			return collect(func(int, unix.WaitStatus) {})
		}
	}
}
