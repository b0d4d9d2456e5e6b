package supervise

import (
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

// The signals that mean something to PID 1 (see Meaning), and those that would end the
// process if a signal of that number came by kill(1): the Go runtime has handlers for
// all of them (os/signal), and of some of these the end of PID 1, a kernel panic, would
// be what they do. A fault of the program itself is a panic all the same.
var (
	meant  = []os.Signal{unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPWR, unix.SIGINT, unix.SIGCHLD, unix.SIGHUP}
	deadly = []os.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGQUIT, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGSYS}
)

// stackFault is a signal that MIPS has not.
const stackFault = "SIGSTKFLT"

// ChildName is the name under which this program prepares a process for the program that
// it is to be.
const ChildName = "beaminit-start"

// Signals takes care of PID 1's signals.
type Signals struct {
	listen  chan os.Signal
	blocked bool
}

// Listen delivers every signal that means something, and makes all others harmless: it
// is the first thing that PID 1 does. What comes before somebody reads waits. A second
// call gives the same channel.
//
// Nobody is there to signal PID 1 before its first instruction, but where it takes the
// place of another (see Become), which has blocked them all: then they wait for Listen,
// which lets them in.
//
// They have handlers and are not ignored, so a child begins with the default action of
// all of them.
func (s *Signals) Listen() <-chan os.Signal {
	if s.listen != nil {
		return s.listen
	}
	s.blocked = isBlocked(unix.SIGTERM)
	s.listen = make(chan os.Signal, 64)
	signal.Notify(s.listen, meant...)
	signal.Notify(s.listen, deadly...)
	if sig := unix.SignalNum(stackFault); sig != 0 {
		signal.Notify(s.listen, sig)
	}
	return s.listen
}

// isBlocked says whether this program was started with that signal blocked: the Go runtime
// hands the mask of its start on to all its threads, and to all that they start.
func isBlocked(sig unix.Signal) bool {
	var now unix.Sigset_t
	if unix.PthreadSigmask(unix.SIG_BLOCK, nil, &now) != nil {
		return false
	}
	return now.Val[0]&(1<<(sig-1)) != 0
}

// blockSignals blocks all signals in this thread, for the program that is executed in
// it; undo is for the case that there is none.
func blockSignals() (undo func()) {
	runtime.LockOSThread()
	var all, old unix.Sigset_t
	for i := range all.Val {
		all.Val[i]--
	}
	unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old)
	return func() {
		unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		runtime.UnlockOSThread()
	}
}

// Unblocked is what starts a program with no signal blocked: itself, but where PID 1 was
// started with signals blocked.
func (s *Signals) Unblocked(path string, argv []string) (string, []string) {
	if !s.blocked || len(argv) > 0 && argv[0] == ChildName { // which unblocks them in any case
		return path, argv
	}
	return "/proc/self/exe", append([]string{ChildName, "--", path}, argv...)
}

// UnblockSignals begins this program anew with no signal blocked, where it was started so
// by a PID 1 that was: only so none of its threads and children blocks them.
func UnblockSignals() error {
	if !isBlocked(unix.SIGTERM) {
		return nil
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil); err != nil {
		return err
	}
	return unix.Exec("/proc/self/exe", os.Args, os.Environ())
}
