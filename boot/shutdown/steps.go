package shutdown

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/clock"
)

// Place is where a node goes down.
type Place int

// The places, each with less to do than the one before.
const (
	Board     Place = iota // a machine of its own
	Namespace              // a pid namespace that is not the first: file systems, swap and loop devices are the host's
	Container              // and what is written and mounted there is the runtime's matter
)

// A Step is one step of the way down. It ends as soon as it is done, and at the latest
// after its limit; the next one follows whatever happened.
type Step struct {
	Name  string
	Limit time.Duration // that it has in any case
	more  bool          // and whatever the steps before have left of theirs: it writes to disks
	until Place         // the last of the places where it is taken
	run   func(limit time.Duration) []error
}

// String prints it as a plan does: "sync (5 s, and what is left of those before)".
func (s Step) String() string {
	if s.more {
		return s.Name + " (" + clock.Text(s.Limit) + ", and what is left of those before)"
	}
	return s.Name + " (at most " + clock.Text(s.Limit) + ")"
}

// limit is how long the step may take, if left is the time for it and for those behind.
func (s *Step) limit(left time.Duration, behind []Step) time.Duration {
	if !s.more {
		return s.Limit
	}
	for i := range behind {
		left -= behind[i].Limit
	}
	return max(left, s.Limit)
}

// Reap collects children until none is left or the deadline has come (a zero one
// has: it only collects what is there), and reports whether any is left. It is the
// caller's because there may be only one waiter in a process.
type Reap func(deadline time.Time) (left bool)

// Steps is the plan of the way down after the release has stopped, without the last
// reboot(2), within limit.
//
// What may hang because somebody else is gone comes before the sync, so that the disks
// do not wait for it.
func Steps(limit time.Duration, place Place, reap Reap, save func() []error) []Step {
	part := func(n time.Duration) time.Duration { return limit * n / 30 } // of 30, seconds
	return slices.DeleteFunc([]Step{
		{"SIGTERM to all processes", part(5), false, Container, func(d time.Duration) []error { return killAll(unix.SIGTERM, d, reap) }},
		{"SIGKILL to all processes", part(2), false, Container, func(d time.Duration) []error { return killAll(unix.SIGKILL, d, reap) }},
		{"unmount network file systems", part(2), false, Board, unmountNetwork},
		{"save seed and time", part(3), true, Container, func(d time.Duration) []error { return saveWithin(d, save) }},
		{"swap off", part(3), true, Board, swapOff},
		{"sync", part(6), true, Namespace, syncAll},
		{"unmount everything", part(5), true, Namespace, func(d time.Duration) []error { return unmountAll(d, place == Board) }},
		{"make the root read-only", part(2), true, Board, rootReadOnly},
		{"sync again", part(2), true, Board, syncAll},
	}, func(s Step) bool { return s.until < place })
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
		return []error{fmt.Errorf("processes are left after %s", clock.Text(limit))}
	}
	return nil
}

// saveWithin saves. A device that hangs does not keep the node from going down.
func saveWithin(limit time.Duration, save func() []error) (errs []error) {
	if save == nil {
		return nil
	}
	saved := make(chan []error, 1)
	err := clock.Within(limit, "save", func() error { saved <- save(); return nil })
	if err != nil {
		return []error{err}
	}
	return <-saved
}

func syncAll(limit time.Duration) []error {
	if err := clock.Within(limit, "sync(2)", func() error { unix.Sync(); return nil }); err != nil {
		return []error{err}
	}
	return nil
}
