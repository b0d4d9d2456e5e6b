// Package children is the one table of PID 1's children: what each of them is (Child) and what is
// known of it (Entry), one way to start, reap, start again with back-off, stop and hand over all
// of them. What follows from an event is decided by policy.StepChild; the table does it.
package children

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Table is that table. Its methods are for the goroutine that owns the state.
type Table struct {
	Console *health.Console
	State   *policy.State // of the release, by which children are wanted: it may only be looked at
	Null    int           // /dev/null
	Says    int           // where the exec helper of a child without lines of its own says what it could not do
	Guard   func()        // is deferred in each goroutine: a panic in it is PID 1's

	// What the table calls in the loop.
	OnChange  func()              // something that a health record tells is otherwise: a service failed, or is late
	OnFailure func(*Entry)        // a service failed
	OnReady   func()              // a service is ready, or its time to be is over
	Alarm     func(time.Duration) // StopNext is to be called after that time

	entries  []*Entry
	begun    bool // Begin was called
	said     notices
	stopping stopping
}

// New is a table without entries. What it is to know and to call is set before the first of them is
// started.
func New() *Table {
	return &Table{said: notices{arrived: make(chan Notice), taken: make(chan struct{})}}
}

// now is the clock of everything that a child waits for: it stands still in suspend.
func now() time.Duration { return clock.Monotonic() }

// Add puts an entry into the table.
func (t *Table) Add(c Child) *Entry {
	entry := &Entry{Child: c}
	entry.noteOOM()
	t.entries = append(t.entries, entry)
	return entry
}

// Begin has the table looked after from now on; before it, only Early children run, and those that
// were adopted. Of these, who is not there any more has ended.
func (t *Table) Begin() {
	t.begun = true
	t.endLost()
	t.Reconcile()
}

// Begun says whether it is.
func (t *Table) Begun() bool { return t.begun }

// Reconcile starts and stops children as the state of the release wants it.
func (t *Table) Reconcile() {
	if !t.begun {
		return
	}
	for _, c := range t.entries {
		if wanted := t.wanted(c); wanted != c.State.Wanted {
			t.Step(c, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: wanted})
		}
	}
}

// wanted says whether a child is to run: as its entry says, but for what was asked for by hand.
func (t *Table) wanted(c *Entry) bool {
	if c.Service && t.State.Phase == policy.Ending && !c.State.Wanted {
		return false // what did not run in rescue is not started for the way down
	}
	switch c.State.ByHand {
	case policy.ToStart:
		return true
	case policy.ToStop:
		return false
	}
	return c.Wanted(t.State)
}

// Step takes an event through policy.StepChild and does what follows.
func (t *Table) Step(c *Entry, e policy.ChildEvent) {
	e.At = now()
	var effects []policy.ChildEffect
	c.State, effects = policy.StepChild(c.Policy, c.State, e)
	for _, effect := range effects {
		if effect.Start {
			t.Start(c)
		} else {
			c.signal(effect.Signal)
		}
	}
	if c.Service && (c.State.Ready != c.wasReady || c.State.Tardy != c.wasTardy) {
		t.noteReady(c)
	}
}

// signal sends a child a signal; SIGKILL gets all that it has started too.
func (c *Entry) signal(s unix.Signal) {
	unix.Kill(c.State.PID, s)
	if s == unix.SIGKILL {
		unix.Kill(-c.State.PID, unix.SIGKILL)
	}
	if c.State.Late {
		c.late()
	}
}

// late tells who waits that a child was killed because of its deadline.
func (c *Entry) late() {
	if c.Late != nil {
		c.Late()
	}
	if c.Over != nil {
		c.Over("not done within " + c.Policy.Deadline.String() + ", killed")
	}
}

// StartEarly starts what comes before the release.
func (t *Table) StartEarly() {
	for _, c := range t.entries {
		if c.Early {
			t.Step(c, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: t.wanted(c)})
		}
	}
}

// Start starts a child now, whatever its policy says.
func (t *Table) Start(c *Entry) {
	pid, err := t.spawn(c)
	switch {
	case err != nil:
		t.Step(c, policy.ChildEvent{Kind: policy.ChildNotStarted})
		t.notStarted(c, err)
	case pid == 0:
		t.Step(c, policy.ChildEvent{Kind: policy.ChildDone})
	default:
		t.Step(c, policy.ChildEvent{Kind: policy.ChildStarted, PID: pid})
		if c.Started != nil {
			c.Started(pid)
		}
	}
}

// notStarted goes on where a child could not be started.
func (t *Table) notStarted(c *Entry, err error) {
	switch {
	case c.Refused != nil:
		c.Refused(err)
		return
	case c.Over != nil:
		c.Over(err.Error())
		return
	}
	was := c.Failed
	c.How, c.Failed = "cannot be started: "+err.Error(), true
	t.SayRefused(c, err)
	if c.Service && !was {
		t.OnChange()
	}
}

// SayRefused says why a child could not be started, and when it is tried again.
func (t *Table) SayRefused(c *Entry, err error) {
	t.Console.Say(health.Err, "cannot start "+c.title()+": "+err.Error()+"; trying again in "+c.State.Pause.String())
}

// Fire steps the children whose time has come.
func (t *Table) Fire() {
	now := now()
	for _, c := range t.entries {
		if next := c.State.Next(); next != 0 && next <= now {
			t.Step(c, policy.ChildEvent{Kind: policy.ChildTime})
		}
	}
}

// Restart has another one in the place of a child at once; one that runs is ended for that.
func (t *Table) Restart(c *Entry) {
	t.Step(c, policy.ChildEvent{Kind: policy.ChildRenewed, ByHand: c.Service})
}

// Next is the time to the next thing that Fire would do, an hour at most.
func (t *Table) Next() time.Duration {
	next, now := time.Hour, now()
	for _, c := range t.entries {
		if due := c.State.Next(); due != 0 {
			next = min(next, due-now)
		}
	}
	return next
}

// Suspended has no child be late for a time in which nothing ran.
func (t *Table) Suspended(late time.Duration) {
	for _, c := range t.entries {
		c.State.Suspended(late)
	}
}
