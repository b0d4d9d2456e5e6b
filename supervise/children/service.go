package children

import (
	"fmt"
	"strings"
	"time"

	"github.com/beaminit/beaminit/supervise/policy"
)

// Ask does what beaminit service asks for, and gives the text of the answer; ok is
// false where it says why not.
func (t *Table) Ask(argument string) (text string, ok bool) {
	name, what, _ := strings.Cut(argument, " ")
	var lines []string
	for _, c := range t.entries {
		switch {
		case !c.Service || name != "" && c.Name != name:
			continue
		case t.State.Phase == policy.Ending && what != "":
			return "the node is going down: " + t.State.Why, false
		case !t.orderService(c, what):
			return "service " + name + " " + what + ": want start, stop or restart", false
		}
		lines = append(lines, c.describe())
	}
	if name != "" && lines == nil {
		return "there is no service " + name, false
	}
	return strings.Join(lines, "\n"), true
}

// orderService is false where nobody knows what that is to mean.
func (t *Table) orderService(c *Entry, what string) bool {
	switch what {
	case "":
		return true
	case "start", "restart":
		c.State.ByHand = policy.ToStart
		if what == "restart" || c.State.Done {
			t.Restart(c)
		}
	case "stop":
		c.State.ByHand = policy.ToStop
	default:
		return false
	}
	t.Reconcile()
	return true
}

// describe is what is known of a service, in one line.
func (c *Entry) describe() string {
	ran := (now() - c.State.StartedAt).Truncate(time.Second)
	runs := fmt.Sprintf("started %d times", c.State.Runs)
	switch {
	case c.State.PID != 0 && c.State.Stopping:
		return fmt.Sprintf("%s stopping pid=%d", c.Name, c.State.PID)
	case c.State.PID != 0 && !c.State.Ready:
		return fmt.Sprintf("%s starting pid=%d for %v: not ready yet, %s", c.Name, c.State.PID, ran, runs)
	case c.State.PID != 0:
		return fmt.Sprintf("%s up pid=%d for %v, %s", c.Name, c.State.PID, ran, runs)
	case c.State.Runs == 0 && !c.Failed:
		return c.Name + " not started"
	case c.State.Wanted && !c.State.Done:
		return fmt.Sprintf("%s down, started again in %v: %s, %s", c.Name, c.pause().Round(time.Second), c.How, runs)
	}
	return fmt.Sprintf("%s ended: %s, %s", c.Name, c.How, runs)
}

// Troubled gives the services that are to run and do not, or are not ready in time, and what else has to
// run from before the release on, for the health record.
func (t *Table) Troubled() (names []string) {
	for _, c := range t.entries {
		if (c.Service || c.Early) && (c.Failed && c.State.PID == 0 && c.State.Wanted || c.State.Tardy) {
			names = append(names, c.Name)
		}
	}
	return names
}
