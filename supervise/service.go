package supervise

import (
	"fmt"
	"strings"
	"time"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/supervise/policy"
)

// services is what the loop knows of all of them.
type services struct {
	notices  chan serviceNotice
	taken    chan struct{} // the loop has dealt with a notice
	toStop   []*child      // on the way down, the next one last
	stopping *child        // and the one that is being stopped
	then     func()        // what follows; nil: they are not being stopped
}

// wanted says whether a child is to run: as its entry says, but for what was asked for by hand.
func (l *Loop) wanted(c *child) bool {
	if c.Service && l.state.Phase == policy.Ending && !c.state.Wanted {
		return false // what did not run in rescue is not started for the way down
	}
	switch c.state.ByHand {
	case policy.ToStart:
		return true
	case policy.ToStop:
		return false
	}
	return c.Wanted(&l.state)
}

// askService does what beaminit service asks for, and gives the text of the answer; ok is
// false where it says why not.
func (l *Loop) askService(argument string) (text string, ok bool) {
	name, what, _ := strings.Cut(argument, " ")
	var lines []string
	for _, c := range l.children {
		switch {
		case !c.Service || name != "" && c.Name != name:
			continue
		case l.state.Phase == policy.Ending && what != "":
			return "the node is going down: " + l.state.Why, false
		case !l.orderService(c, what):
			return "service " + name + " " + what + ": want start, stop or restart", false
		}
		lines = append(lines, c.describe())
	}
	if name != "" && lines == nil {
		return "there is no service " + name, false
	}
	return strings.Join(lines, "\n"), true
}

func (l *Loop) orderService(c *child, what string) bool {
	switch what {
	case "":
		return true
	case "start", "restart":
		if c.state.ByHand = policy.ToStart; what == "restart" || c.state.Done {
			l.restartChild(c)
		}
	case "stop":
		c.state.ByHand = policy.ToStop
	default:
		return false
	}
	l.reconcile()
	return true
}

// describe is what is known of a service, in one line.
func (c *child) describe() string {
	now := clock.Boottime()
	runs := fmt.Sprintf("started %d times", c.state.Runs)
	switch {
	case c.state.PID != 0 && c.state.Stopping:
		return fmt.Sprintf("%s stopping pid=%d", c.Name, c.state.PID)
	case c.state.PID != 0 && !c.state.Ready:
		return fmt.Sprintf("%s starting pid=%d for %v: not ready yet, %s", c.Name, c.state.PID, (now - c.state.StartedAt).Truncate(time.Second), runs)
	case c.state.PID != 0:
		return fmt.Sprintf("%s up pid=%d for %v, %s", c.Name, c.state.PID, (now - c.state.StartedAt).Truncate(time.Second), runs)
	case c.state.Runs == 0 && !c.failed:
		return c.Name + " not started"
	case c.state.Wanted && !c.state.Done:
		return fmt.Sprintf("%s down, started again in %v: %s, %s", c.Name, c.pause().Round(time.Second), c.how, runs)
	}
	return fmt.Sprintf("%s ended: %s, %s", c.Name, c.how, runs)
}

// troubled gives the services that are to run and do not, or are not ready in time, and what else has to
// run from before the release on, for the health record.
func (l *Loop) troubled() (names []string) {
	for _, c := range l.children {
		if (c.Service || c.Early) && (c.failed && c.state.PID == 0 && c.state.Wanted || c.state.Tardy) {
			names = append(names, c.Name)
		}
	}
	return names
}
