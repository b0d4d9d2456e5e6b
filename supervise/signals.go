package supervise

import (
	"os"
	"os/signal"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The signals that mean something to PID 1 (see action), and those that a
// runtime fault raises: for the latter Go's handler has to stay, so that a fault
// is a panic that can be recovered; listening to them makes the same signal sent
// by kill(1) harmless.
var (
	meant  = [...]unix.Signal{unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPWR, unix.SIGINT, unix.SIGCHLD, unix.SIGHUP}
	faults = [...]unix.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE}
	deadly = [...]unix.Signal{unix.SIGQUIT, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGSTKFLT, unix.SIGSYS}
)

// sigaction is the kernel's struct sigaction, opaque but for its first word, the handler:
// large enough for every architecture.
type sigaction [8]uint64

// The handlers that are none (signal(7)).
const (
	byDefault = 0 // SIG_DFL
	ignored   = 1 // SIG_IGN
)

// Signals takes care of PID 1's signals.
type Signals struct {
	saved  [len(meant)]sigaction
	listen chan os.Signal
}

// Hush makes every signal harmless, at the cost of a few system calls: the Go
// runtime has handlers for all of them, and some end the process, which for PID 1
// is a kernel panic. os/signal would do the same for 0.3 million instructions, which
// can wait until the release runs.
//
// They are ignored, not left to the default action, though the kernel drops a signal
// without a handler for PID 1 (pid_namespaces(7)). It does so only where the first thread
// does not block the signal; where it does and another thread does not, the signal ends
// the process (complete_signal in the kernel's signal.c), and Go blocks them all around
// each fork. Children do not inherit it: the runtime gives them the default action of
// every signal that it had a handler for.
func (s *Signals) Hush() {
	for i, sig := range meant {
		hushed := sigaction{ignored}
		if sig == unix.SIGCHLD { // ignored, it would take the children's statuses away (wait(2))
			hushed[0] = byDefault
		}
		setAction(sig, &hushed, &s.saved[i])
	}
	for _, sig := range deadly {
		setAction(sig, &sigaction{ignored}, nil)
	}
}

// unhush is for what is executed in the place of PID 1 before it listens: a Go program
// leaves these two as they are where they are ignored, and so would the release.
func unhush() {
	for _, sig := range [...]unix.Signal{unix.SIGHUP, unix.SIGINT} {
		var now sigaction
		if setAction(sig, nil, &now); now[0] == ignored {
			setAction(sig, &sigaction{byDefault}, nil)
		}
	}
}

// Listen gives the meant signals their Go handlers back and delivers them. A
// signal that came since Hush is lost, except that a child's end is still there
// to be reaped: call reap after Listen. A second call gives the same channel.
func (s *Signals) Listen() <-chan os.Signal {
	if s.listen != nil {
		return s.listen
	}
	c := make(chan os.Signal, 64)
	s.listen = c
	for i := range faults {
		signal.Notify(c, faults[i])
	}
	for i := range meant {
		signal.Notify(c, meant[i])
		setAction(meant[i], &s.saved[i], nil)
	}
	return c
}

func setAction(sig unix.Signal, act, old *sigaction) {
	const setSize = 8 // bytes of the kernel's sigset_t
	unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), setSize, 0, 0)
}
