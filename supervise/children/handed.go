package children

import (
	"sync/atomic"

	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Handed is what one PID 1 tells the next of its children, by their keys: its states, and the
// descriptors of those whose lines are read, and of those that may say that they are ready.
type Handed struct {
	States         map[string]policy.ChildState
	Lines, Notices map[string]int
}

// Hand gives what the next PID 1 has to know of the table.
func (t *Table) Hand() Handed {
	h := Handed{
		States:  map[string]policy.ChildState{},
		Lines:   t.descriptors(func(c *Entry) *atomic.Int32 { return &c.lines }),
		Notices: t.descriptors(func(c *Entry) *atomic.Int32 { return &c.notices }),
	}
	for _, c := range t.entries {
		known := c.Service || c.State != policy.ChildState{} // of a service also that it never ran, see keyIn
		if known && !c.Local {
			h.States[c.key()] = c.State
		}
	}
	return h
}

func (t *Table) descriptors(of func(*Entry) *atomic.Int32) map[string]int {
	fds := map[string]int{}
	for _, c := range t.entries {
		if fd := of(c).Load(); fd > 0 {
			fds[c.key()] = int(fd)
		}
	}
	return fds
}

// Adopt takes over the children of the PID 1 before this one.
func (t *Table) Adopt(h Handed) {
	for _, c := range t.entries {
		key := c.keyIn(&h)
		if !c.Local {
			c.State = h.States[key]
			c.State.Ready = c.State.Ready || c.Policy.Ready == policy.ReadyStarted && c.State.Runs > 0 // a version before this did not know
			c.wasReady, c.wasTardy = c.State.Ready, c.State.Tardy
		}
		if fd := h.Lines[key]; fd > 0 {
			t.followLines(fd, c)
		}
		if fd := h.Notices[key]; fd > 0 {
			t.followNotices(fd, c)
		}
	}
}

// endLost ends the children that were handed over and are not there any more: they ended when PID 1
// could not be told, and their numbers may be other processes' by now.
func (t *Table) endLost() {
	for _, c := range t.entries {
		if c.State.PID != 0 && !proc.IsChild(c.State.PID) {
			t.ended(c, lostStatus)
		}
	}
}

// lostStatus stands for how a child ended that nobody waited for: not well.
const lostStatus = unix.WaitStatus(1 << 8)
