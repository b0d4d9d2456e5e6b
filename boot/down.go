package boot

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Action is how a node ends.
type Action int

// The ways to end. LINUX_REBOOT_CMD_RESTART2, a restart with an argument, has its
// place here once /run/reboot-param is honoured.
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

// A Step is one step of the way back. It ends as soon as it is done, and at the
// latest after Limit; the next one follows whatever happened.
type Step struct {
	Name  string
	Limit time.Duration
	run   func(limit time.Duration) []error
}

// String prints it as a plan does: "unmount everything (at most 10s)".
func (s Step) String() string {
	return s.Name + " (at most " + s.Limit.String() + ")"
}

// Reap collects children until none is left or the deadline has come (a zero one
// has: it only collects what is there), and reports whether any is left. It is the
// caller's because there may be only one waiter in a process.
type Reap func(deadline time.Time) (left bool)

// Steps is the plan of the way back after the release has stopped, without the
// last reboot(2). In a container (a pid namespace that is not the first) the file
// systems belong to the host: they are left, not made read-only.
//
// save is what is to be written as late as possible; nil: nothing.
func Steps(limit time.Duration, container bool, reap Reap, save func() []error) []Step {
	steps := []Step{
		{"SIGTERM to all processes", limit, func(d time.Duration) []error { return killAll(unix.SIGTERM, d, reap) }},
		{"SIGKILL to all processes", limit, func(d time.Duration) []error { return killAll(unix.SIGKILL, d, reap) }},
		{"save seed and time", limit, func(d time.Duration) []error { return saveWithin(d, save) }},
		{"sync", limit, syncAll},
		{"unmount everything", limit, func(d time.Duration) []error { return unmountAll(d, !container) }},
	}
	if container {
		return steps
	}
	return append(steps,
		Step{"make the root read-only", limit, rootReadOnly},
		Step{"sync again", limit, syncAll})
}

// Down ends the node: it takes the Steps and calls reboot(2). The supervisor must
// have stopped the release before. No step sleeps for a fixed time and none lasts
// longer than limit. say gets a line for each step with what it took. last is called
// right before reboot(2).
//
// Down does not return in PID 1: where reboot(2) fails it says why and stands
// still for ever, because the kernel panics when PID 1 ends. In any other process
// it does nothing but give an error: kill(-1) would kill the whole session.
func Down(action Action, limit time.Duration, reap Reap, save func() []error, last func(Action), say func(string)) error {
	if unix.Getpid() != 1 {
		return fmt.Errorf("%v: only PID 1 may do this, not process %d", action, unix.Getpid())
	}
	for _, s := range Steps(limit, inContainer(), reap, save) {
		start := monotonic()
		errs := s.run(s.Limit)
		took := strconv.FormatInt(int64((monotonic()-start)/time.Millisecond), 10)
		say(action.String() + ": " + s.Name + ": " + took + " ms")
		for _, err := range errs {
			say(action.String() + ": " + s.Name + ": " + err.Error())
		}
	}
	last(action)
	err := unix.Reboot(int(action.Command()))
	say(fmt.Sprintf("%v: reboot(2): %v; everything is stopped and PID 1 stays: switch the node off and on", action, err))
	for {
		// Not select{}: the runtime would call that a deadlock and exit.
		unix.Poll(nil, -1)
	}
}

const (
	nsPID             = "/proc/self/ns/pid"
	firstPIDNamespace = 0xEFFFFFFC
)

// inContainer reports whether this is the init of a pid namespace that is not the
// first one, whose inode number is fixed (PROC_PID_INIT_INO in linux/proc_ns.h).
// Without /proc it says no: on a node of its own all must be unmounted.
func inContainer() bool {
	var st unix.Stat_t
	return unix.Stat(nsPID, &st) == nil && uint64(st.Ino) != firstPIDNamespace
}

// killAll sends the signal to every process but this one (kill(2) with -1), and
// waits until no child is left. As PID 1 inherits every orphan, no child is no
// process.
func killAll(sig unix.Signal, limit time.Duration, reap Reap) []error {
	if !reap(time.Time{}) {
		return nil
	}
	if err := unix.Kill(-1, sig); err != nil && err != unix.ESRCH {
		return []error{fmt.Errorf("kill all with %v: %w", sig, err)}
	}
	// Who is stopped (SIGSTOP) sees a SIGTERM only when it goes on.
	unix.Kill(-1, unix.SIGCONT)
	if reap(time.Now().Add(limit)) {
		return []error{fmt.Errorf("processes are left after %v", limit)}
	}
	return nil
}

// within runs a system call that may hang in the kernel (a dead disk, a server
// that is gone) on a thread of its own, and stops waiting for it after limit.
func within(limit time.Duration, what string, call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%s has not come back after %v: going on without it", what, limit)
	}
}

// saveWithin saves. A device that hangs does not keep the node from going down.
func saveWithin(limit time.Duration, save func() []error) (errs []error) {
	if save == nil {
		return nil
	}
	saved := make(chan []error, 1)
	err := within(limit, "save", func() error { saved <- save(); return nil })
	if err != nil {
		return []error{err}
	}
	return <-saved
}

func syncAll(limit time.Duration) []error {
	if err := within(limit, "sync(2)", func() error { unix.Sync(); return nil }); err != nil {
		return []error{err}
	}
	return nil
}
