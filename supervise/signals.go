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

// sigaction is the kernel's struct sigaction, opaque: large enough for every
// architecture, all zero is SIG_DFL without flags.
type sigaction [8]uint64

// Signals takes care of PID 1's signals.
type Signals struct {
	saved  [len(meant)]sigaction
	listen chan os.Signal
}

// Hush makes every signal harmless, at the cost of a few system calls: the Go
// runtime has handlers for all of them, and some end the process, which for PID 1
// is a kernel panic. With the default action the kernel drops them for PID 1
// (signal(7), pid_namespaces(7)). os/signal would do the same for 0.3 million
// instructions, which can wait until the release runs.
func (s *Signals) Hush() {
	for i, sig := range meant {
		var zero sigaction
		setAction(sig, &zero, &s.saved[i])
	}
	for _, sig := range deadly {
		var zero sigaction
		setAction(sig, &zero, nil)
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
