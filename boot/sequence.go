package boot

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/clock"
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
	Reap  Reap
	Save  func() []error // what is to be written as late as possible; nil: nothing
	Say   func(line string)
	Last  func(Action) // called right before reboot(2), must not block; nil: nothing

	action atomic.Int32
	param  atomic.Pointer[string]
	at     atomic.Pointer[string] // what is going on, for whom the deadline ends it
	begun  atomic.Int64           // monotonic; 0: not yet

	stopped time.Duration // what that took; 0: nothing was to be stopped
}

// Lines is the way down as a plan shows it.
func (w *Sequence) Lines() []string {
	lines := []string{"stop of the release (at most " + seconds(w.Stop) + ", then SIGKILL)"}
	for _, s := range Steps(w.Limit, false, nil, nil) {
		lines = append(lines, s.String())
	}
	return append(lines, "reboot(2) ("+seconds(w.Deadline())+" after the beginning at the latest)")
}

// Deadline is how long the way down may take from Begin to reboot(2).
func (w *Sequence) Deadline() time.Duration { return w.Stop + w.Grace + w.Limit }

// Begin starts the clock: whatever happens from now on, reboot(2) is called when the
// Deadline has come. It may be called again, with another action. The release is to be
// stopped next, and then End called.
func (w *Sequence) Begin(a Action) {
	w.action.Store(int32(a))
	if w.begun.CompareAndSwap(0, int64(max(clock.Monotonic(), 1))) {
		what := "stop of the release"
		w.at.CompareAndSwap(nil, &what)
		go w.guard(w.Deadline())
	}
}

// Stopped says that the release, if one ran at Begin, has ended or was given up.
func (w *Sequence) Stopped() {
	if begun := w.begun.Load(); begun != 0 {
		w.stopped = max(clock.Monotonic()-time.Duration(begun), 1)
	}
}

// guard ends the node when its time is over. It needs nobody: not the goroutine that
// owns the state, nor a console that takes lines.
func (w *Sequence) guard(limit time.Duration) {
	defer func() { recover() }() // it would be the end of PID 1; without the guard it still goes down
	time.Sleep(limit)            // the deadline itself: there is nothing else to wait for
	said := make(chan struct{})
	go func() {
		defer func() { recover() }()
		defer close(said)
		w.Say(w.now().String() + ": not done after " + seconds(limit) + ", it hangs at: " + *w.at.Load() + "; " + w.now().String() + " by force")
	}()
	select {
	case <-said:
	case <-time.After(time.Second):
	}
	w.call()
}

func (w *Sequence) now() Action { return Action(w.action.Load()) }

// call ends the node. It returns only an error.
func (w *Sequence) call() error {
	if w.Last != nil {
		w.Last(w.now())
	}
	param := ""
	if p := w.param.Load(); p != nil {
		param = *p
	}
	return w.now().Call(param)
}

// End takes the Steps and calls reboot(2). The release must have been stopped before.
// No step sleeps for a fixed time. Say gets a line for each with what it took.
//
// End does not return in PID 1: where reboot(2) fails it says why and stands still for
// ever, because the kernel panics when PID 1 ends. In any other process it does nothing
// but give an error: kill(-1) would kill the whole session.
func (w *Sequence) End(a Action) error {
	if unix.Getpid() != 1 {
		return fmt.Errorf("%v: only PID 1 may do this, not process %d", a, unix.Getpid())
	}
	w.Begin(a)
	if w.stopped != 0 {
		w.say("release stopped", seconds(w.stopped))
	}
	if a == Reboot {
		w.readParam()
	}
	steps := Steps(w.Limit, inContainer(), w.Reap, w.Save)
	end := clock.Monotonic() + w.Limit
	for i := range steps {
		s := &steps[i]
		w.at.Store(&s.Name)
		start := clock.Monotonic()
		errs := s.run(s.limit(end-start, steps[i+1:]))
		w.say(s.Name, seconds(clock.Monotonic()-start))
		for _, err := range errs {
			w.say(s.Name, err.Error())
		}
	}
	err := w.call()
	w.Say(fmt.Sprintf("%v: reboot(2): %v; everything is stopped and PID 1 stays: switch the node off and on", a, err))
	for {
		// Not select{}: the runtime would call that a deadlock and exit.
		unix.Poll(nil, -1)
	}
}

func (w *Sequence) say(what, how string) { w.Say(w.now().String() + ": " + what + ": " + how) }

func (w *Sequence) readParam() {
	param, err := RebootParam(RebootParamPath)
	if err != nil {
		w.Say("reboot: " + err.Error() + "; rebooting without it")
	}
	if param != "" {
		w.Say("reboot: with the argument " + strconv.Quote(param))
		w.param.Store(&param)
	}
}

// seconds is a time as a person reads it: "12 ms", "1.2 s".
func seconds(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(int64(d/time.Millisecond), 10) + " ms"
	}
	tenths := int64(d / (100 * time.Millisecond))
	if tenths%10 == 0 {
		return strconv.FormatInt(tenths/10, 10) + " s"
	}
	return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + " s"
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
