package children

import (
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/supervise/cgroup"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Child is a kind of child of PID 1: an entry of the loop's table. The loop starts it
// when it is wanted, starts it again by its policy, stops it when it is wanted no more,
// says how it ended, and hands it over when PID 1 executes itself anew: the next one knows
// it by its name. All fields but Name, Policy, Wanted and Command may be left out.
type Child struct {
	Name   string // one of its kind in a node, but for a service, whose name is its user's choice
	Title  string // in messages; empty: Name
	Policy policy.ChildPolicy
	// Wanted says whether it is to run, by the state of the release. It is asked after
	// each event and may only look.
	Wanted func(*policy.State) bool
	// Command is what to start. It is asked at each start; nil: there is nothing to start
	// as long as it is wanted.
	Command func() (*launch.Command, error)
	// Files opens its descriptors; without it, it reads nothing, and what it writes is on
	// the console with its name in front.
	Files   func() (Files, error)
	Started func(pid int)
	// Refused is called where it could not be started, Ended where it has ended, Late where it was
	// killed because of its deadline, which may not end it.
	Refused func(error)
	Ended   func(pid int, status unix.WaitStatus)
	Late    func()
	// Over is for who waits for a run: it is called once for each that was to be, when it has ended,
	// or never will in time. how is what was wrong with it; empty: nothing.
	Over    func(how string)
	Quiet   bool // its end is nothing to say
	Local   bool // it ends with this PID 1, so the next one is not told of it
	Service bool // people know it by its name: it is listed, and a word of the health record where it does not run
	// Cgroup is what it and all that it starts run in; nil: that of PID 1. What is left in it is
	// killed when the child has ended.
	Cgroup *cgroup.Group
	Early  bool // it is started before the release, and before the network is awaited
	// KeepsCgroup says that what is left in Cgroup is not killed by the table when the child has
	// ended, but by who looks at its end.
	KeepsCgroup bool
}

// Files are the descriptors of a child, by number, and which of those that were opened
// for it are whose: the child's are closed in PID 1 as soon as it runs, PID 1's where it
// could not be started.
type Files struct {
	Child      []int
	CloseChild []int
	CloseOwn   []int
}

// Entry is a child with what is known of it.
type Entry struct {
	Child
	State  policy.ChildState
	How    string // how it ended last, or why it could not be started
	Failed bool   // that was no success, and nobody had asked for it

	lines              atomic.Int32 // where its output is read; 0: nobody reads it
	notices            atomic.Int32 // the socket on which it says that it is ready; 0: none
	wasReady, wasTardy bool         // as it was said
	cgroup             cgroupState
}

// Wanted is for what is to run as long as the node does not go down.
func Wanted(s *policy.State) bool { return s.Phase != policy.Ending }

func (c *Entry) title() string {
	if c.Title != "" {
		return c.Title
	}
	return c.Name
}

// pause is the time until its next start.
func (c *Entry) pause() time.Duration {
	return max(c.State.NextAt-now(), 0).Round(time.Millisecond)
}

// key is the name by which the next PID 1 knows it: a service may be named as a child of PID 1's own.
func (c *Entry) key() string {
	if c.Service {
		return "service." + c.Name
	}
	return c.Name
}

// keyIn is that of what was handed over, by a version that knew services by their names alone too.
func (c *Entry) keyIn(h *Handed) string {
	if _, ok := h.States[c.key()]; !ok && c.Service {
		return c.Name
	}
	return c.key()
}
