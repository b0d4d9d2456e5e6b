// Package shutdown is the way down of a node, as a list of steps with a time for each that can
// be printed: from the moment when it is asked for to reboot(2), which comes whatever hangs.
package shutdown

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/proc"
)

// Action is how a node ends.
type Action int32

// The ways to end.
const (
	Reboot Action = iota
	PowerOff
	Halt
)

// String is the name of the command that asks for it.
func (a Action) String() string {
	switch a {
	case PowerOff:
		return "poweroff"
	case Halt:
		return "halt"
	}
	return "reboot"
}

// Command is the command of reboot(2). In a pid namespace it ends that init by
// SIGHUP (Reboot) or SIGINT (PowerOff, Halt).
func (a Action) Command() uint32 {
	switch a {
	case PowerOff:
		return unix.LINUX_REBOOT_CMD_POWER_OFF
	case Halt:
		return unix.LINUX_REBOOT_CMD_HALT
	}
	return unix.LINUX_REBOOT_CMD_RESTART
}

// Call is reboot(2). param, of a Reboot only, goes to the firmware or the boot loader
// by LINUX_REBOOT_CMD_RESTART2; empty: none. It does not sync. It returns only an error.
func (a Action) Call(param string) error {
	if a == Reboot && param != "" {
		if arg, err := unix.BytePtrFromString(param); err == nil {
			unix.Syscall6(unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2,
				unix.LINUX_REBOOT_CMD_RESTART2, uintptr(unsafe.Pointer(arg)), 0, 0)
		}
	}
	return unix.Reboot(int(a.Command()))
}

// Sequence is the way down of a node, from the moment when it is asked for to reboot(2).
type Sequence struct {
	Limit time.Duration // of all the Steps together
	Stop  time.Duration // how long the release may take to stop, before them
	Grace time.Duration // between the two: a release that SIGKILL does not end at once, a slow console
	// Services is how long the services may take behind it; 0: there are none.
	Services time.Duration
	Reap     Reap
	Save     func() []error // what is to be written as late as possible; nil: nothing
	Say      func(line string)
	Last     func(Action) // called right before reboot(2), must not block; nil: nothing
	Exit     func()       // of a container, in place of reboot(2): ends PID 1; nil: it is none

	action atomic.Int32
	param  atomic.Pointer[string]
	at     atomic.Pointer[string] // what is going on, for whom the deadline ends it
	begun  atomic.Int64           // monotonic; 0: not yet

	stopped  time.Duration // what the release took; 0: nothing was to be stopped
	services time.Duration // and the services
}

// Lines is the way down as a plan shows it.
func (s *Sequence) Lines() []string {
	lines := []string{"stop of the release (at most " + clock.Text(s.Stop) + ", then SIGKILL)"}
	if s.Services > 0 {
		lines = append(lines, "stop of the services, the last one first (at most "+clock.Text(s.Services)+" for all of them)")
	}
	for _, step := range Steps(s.Limit, Board, nil, nil) {
		lines = append(lines, step.String())
	}
	return append(lines, "reboot(2) ("+clock.Text(s.Deadline())+" after the beginning at the latest)")
}

// Deadline is how long the way down may take from Begin to reboot(2).
func (s *Sequence) Deadline() time.Duration { return s.Stop + s.Services + s.Grace + s.Limit }

// Begin starts the clock: whatever happens from now on, reboot(2) is called when the
// Deadline has come. It may be called again, with another action. The release is to be
// stopped next, and then End called.
func (s *Sequence) Begin(a Action) {
	s.action.Store(int32(a))
	if s.begun.CompareAndSwap(0, int64(max(clock.Monotonic(), 1))) {
		what := "stop of the release"
		s.at.CompareAndSwap(nil, &what)
		go s.guard(s.Deadline())
	}
}

// Stopped says that the release, if one ran at Begin, has ended or was given up. Where services
// are to be stopped behind it, it is called again when they have been.
func (s *Sequence) Stopped() {
	begun := s.begun.Load()
	if begun == 0 {
		return
	}
	took := max(clock.Monotonic()-time.Duration(begun), 1)
	if s.stopped != 0 {
		s.services = max(took-s.stopped, 1)
		return
	}
	s.stopped = took
	what := "stop of the services"
	s.at.Store(&what)
}

// guard ends the node when its time is over. It needs nobody: not the goroutine that
// owns the state, nor a console that takes lines.
func (s *Sequence) guard(limit time.Duration) {
	defer func() { recover() }() // it would be the end of PID 1; without the guard it still goes down
	time.Sleep(limit)            // the deadline itself: there is nothing else to wait for
	said := make(chan struct{})
	go func() {
		defer func() { recover() }()
		defer close(said)
		action := s.now().String()
		s.Say(action + ": not done after " + clock.Text(limit) + ", it hangs at: " + *s.at.Load() + "; " + action + " by force")
	}()
	select {
	case <-said:
	case <-time.After(time.Second):
	}
	s.call()
}

func (s *Sequence) now() Action { return Action(s.action.Load()) }

// call ends the node. It returns only an error.
func (s *Sequence) call() error {
	if s.Last != nil {
		s.Last(s.now())
	}
	if s.Exit != nil {
		s.Exit()
	}
	param := ""
	if p := s.param.Load(); p != nil {
		param = *p
	}
	return s.now().Call(param)
}

// AtOnce calls reboot(2): nothing is stopped, written or unmounted before, so that what
// somebody wrote past a file system that is mounted stays as it is. It returns only an error.
func (s *Sequence) AtOnce(a Action) error {
	if unix.Getpid() != 1 {
		return fmt.Errorf("%v: only PID 1 may do this, not process %d", a, unix.Getpid())
	}
	s.action.Store(int32(a))
	if a == Reboot {
		s.readParam()
	}
	return s.call()
}

// End takes the Steps and calls reboot(2). The release must have been stopped before.
// No step sleeps for a fixed time. Say gets a line for each with what it took.
//
// End does not return in PID 1: where reboot(2) fails it says why and stands still for
// ever, because the kernel panics when PID 1 ends. In any other process it does nothing
// but give an error: kill(-1) would kill the whole session.
func (s *Sequence) End(a Action) error {
	if unix.Getpid() != 1 {
		return fmt.Errorf("%v: only PID 1 may do this, not process %d", a, unix.Getpid())
	}
	s.Begin(a)
	if s.stopped != 0 {
		s.say("release stopped", clock.Text(s.stopped))
	}
	if s.services != 0 {
		s.say("services stopped", clock.Text(s.services))
	}
	if a == Reboot {
		s.readParam()
	}
	steps := Steps(s.Limit, s.place(), s.Reap, s.Save)
	end := clock.Monotonic() + s.Limit
	for i := range steps {
		step := &steps[i]
		s.at.Store(&step.Name)
		start := clock.Monotonic()
		errs := step.run(step.limit(end-start, steps[i+1:]))
		s.say(step.Name, clock.Text(clock.Monotonic()-start))
		for _, err := range errs {
			s.say(step.Name, err.Error())
		}
	}
	err := s.call()
	s.Say(fmt.Sprintf("%v: reboot(2): %v; everything is stopped and PID 1 stays: switch the node off and on", a, err))
	for {
		// Not select{}: the runtime would call that a deadlock and exit.
		unix.Poll(nil, -1)
	}
}

func (s *Sequence) say(what, how string) { s.Say(s.now().String() + ": " + what + ": " + how) }

func (s *Sequence) readParam() {
	param, err := RebootParam(RebootParamPath)
	if err != nil {
		s.Say("reboot: " + err.Error() + "; rebooting without it")
	}
	if param != "" {
		s.Say("reboot: with the argument " + strconv.Quote(param))
		s.param.Store(&param)
	}
}

func (s *Sequence) place() Place {
	switch {
	case s.Exit != nil:
		return Container
	case inNamespace():
		return Namespace
	}
	return Board
}

// inNamespace says that the file systems are somebody else's. Without /proc it says no: on a
// node of its own all must be unmounted.
func inNamespace() bool {
	first, err := proc.InFirstPIDNamespace()
	return err == nil && !first
}
