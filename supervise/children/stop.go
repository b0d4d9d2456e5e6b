package children

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/policy"
)

// KillGrace is how long a service may take to vanish after SIGKILL before the way down goes on
// without it.
const KillGrace = 2 * time.Second

// stopping is a way down under way.
type stopping struct {
	left    []*Entry // the next one last
	current *Entry
	then    func() // what follows; nil: services are not being stopped
}

// StopServices stops the services, the last one of the table first, and each when the one behind it
// has ended; then comes what follows. begins is called where there are any.
func (t *Table) StopServices(begins, then func()) {
	for _, c := range t.entries {
		if c.Service && c.State.PID != 0 {
			t.stopping.left = append(t.stopping.left, c)
		}
	}
	if len(t.stopping.left) > 0 {
		begins()
	}
	t.stopping.then = then
	t.StopNext()
}

// StopNext goes on with that: a service has ended, or has had its time.
func (t *Table) StopNext() {
	if t.stopping.then == nil {
		return
	}
	for len(t.stopping.left) > 0 {
		last := len(t.stopping.left) - 1
		c := t.stopping.left[last]
		t.stopping.left, t.stopping.current = t.stopping.left[:last], c
		c.State.ByHand = policy.ToStop // nothing starts it again
		if c.State.PID == 0 {
			continue
		}
		t.Alarm(c.Policy.StopTimeout + KillGrace)
		t.Step(c, policy.ChildEvent{Kind: policy.ChildWanted})
		return
	}
	then := t.stopping.then
	t.stopping.then = nil
	then()
}

// sayStopped says how a service ended that had to be killed.
func (t *Table) sayStopped(c *Entry, killed bool) {
	if c.Service && killed && c.Policy.StopTimeout > 0 {
		t.Console.Say(health.Warning, c.title()+" did not end within "+c.Policy.StopTimeout.String()+" of SIGTERM, and was killed")
	}
}
