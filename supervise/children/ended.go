package children

import (
	"strconv"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Reaped is the end of a process, which may be one of an entry; one that is none's was an orphan
// that PID 1 inherited.
func (t *Table) Reaped(pid int, status unix.WaitStatus) {
	for _, c := range t.entries {
		if c.State.PID == pid {
			t.ended(c, status)
			return
		}
	}
}

// ended does what follows the end of a child: the state goes on first, and what is said of the
// end is about the state before it.
func (t *Table) ended(c *Entry, status unix.WaitStatus) {
	pid, asked, late, killed := c.State.PID, c.State.Stopping, c.State.Late, c.State.Killed
	how := proc.Describe(status)
	if !c.KeepsCgroup {
		how += c.oomWords(status)
		t.EmptyCgroup(c, 0)
	}
	t.Step(c, policy.ChildEvent{Kind: policy.ChildExited, Status: status})
	c.How, c.Failed = how, status != 0 && !asked
	if !c.Quiet && !asked {
		t.sayEnd(c, c.How, late)
	}
	if asked {
		t.sayStopped(c, killed)
	}
	if c.Service && c.Failed {
		t.OnFailure(c)
		t.OnChange()
	}
	if c.Ended != nil {
		c.Ended(pid, status)
	}
	if c.Over != nil && !late { // else that was said
		if status == 0 {
			how = ""
		}
		c.Over(how)
	}
	if c == t.stopping.current {
		t.StopNext()
	}
}

// sayEnd says how a child ended and what follows.
func (t *Table) sayEnd(c *Entry, how string, late bool) {
	if late {
		how += ", not done after " + c.Policy.Deadline.String()
	}
	text, weight := c.endText(how), health.Warning
	if c.State.PID != 0 {
		text += ", it was started again (pid " + strconv.Itoa(c.State.PID) + ")"
	} else if c.State.Wanted && !c.State.Done {
		text += ", it is started again in " + c.State.Pause.String()
		if c.Service && !c.Failed && c.State.Runs == 1 && c.Policy.Ready != policy.ReadyExit { // it may have become a daemon
			text += "; it is to stay in the foreground"
		}
	} else if !c.Failed {
		weight = health.Notice // it has done its work
	}
	t.Console.Say(weight, text)
}

// EndText is how it ended last, for people.
func (c *Entry) EndText() string { return c.endText(c.How) }

func (c *Entry) endText(how string) string { return c.title() + " ended (" + how + ")" }
