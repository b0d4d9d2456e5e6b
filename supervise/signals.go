package supervise

import (
	"os"
	"os/signal"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// The signals that mean something to PID 1 (see ActionOf), and those that would end the
// process if a signal of that number came by kill(1): the Go runtime has handlers for
// all of them (os/signal), and of some of these the end of PID 1, a kernel panic, would
// be what they do. A fault of the program itself is a panic all the same.
var (
	meant = []os.Signal{
		unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPWR, unix.SIGINT, unix.SIGCHLD, unix.SIGHUP, rtHalt, rtPowerOff, rtReboot,
	}
	deadly = []os.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGQUIT, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGSYS}
)

// What systemd(1) calls SIGRTMIN+3 and so on: glibc's SIGRTMIN is 34.
const (
	rtHalt     = unix.Signal(37)
	rtPowerOff = unix.Signal(38)
	rtReboot   = unix.Signal(39)
)

// stackFault is a signal that MIPS has not.
const stackFault = "SIGSTKFLT"

// Signals takes care of PID 1's signals.
type Signals struct{ listen chan os.Signal }

// Listen delivers every signal that means something, and makes all others harmless: it
// is the first thing that PID 1 does. What comes before somebody reads waits. A second
// call gives the same channel.
//
// Nobody is there to signal PID 1 before its first instruction, but where it takes the
// place of another (see handover.Document.Exec). That one blocks all signals, and they wait for Listen,
// which lets them in. SIGTERM, SIGINT and SIGHUP the Go runtime lets in by itself, and ends
// the process: until Listen is reached, half a millisecond after that exec, they would be
// the end of PID 1. Nothing short of code before the runtime's own could help.
//
// They have handlers and are not ignored, so a child begins with the default action of
// all of them.
func (s *Signals) Listen() <-chan os.Signal {
	if s.listen != nil {
		return s.listen
	}
	s.listen = make(chan os.Signal, 64)
	signal.Notify(s.listen, meant...)
	signal.Notify(s.listen, deadly...)
	if sig := unix.SignalNum(stackFault); sig != 0 {
		signal.Notify(s.listen, sig)
	}
	return s.listen
}

// ActionOf is what a signal asks PID 1 for, in the manner of BusyBox init and erlinit, and
// of systemd(1), as which podman stops whatever is called /sbin/init; no action for one that
// asks for nothing.
func ActionOf(sig os.Signal) (action policy.Action, why string) {
	switch sig {
	case unix.SIGTERM:
		return config.Reboot, "SIGTERM"
	case unix.SIGINT:
		return config.Reboot, "Ctrl-Alt-Del"
	case unix.SIGUSR2:
		return config.PowerOff, "SIGUSR2"
	case unix.SIGUSR1:
		return config.Halt, "SIGUSR1"
	case unix.SIGPWR:
		return config.Halt, "SIGPWR"
	case rtHalt:
		return config.Halt, "SIGRTMIN+3"
	case rtPowerOff:
		return config.PowerOff, "SIGRTMIN+4"
	case rtReboot:
		return config.Reboot, "SIGRTMIN+5"
	}
	return "", ""
}
