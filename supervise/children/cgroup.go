package children

import (
	"slices"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/cgroup"
	"golang.org/x/sys/unix"
)

// anyLimit is the limit of memory of a cgroup that PID 1 has not set.
const anyLimit = "the memory limit of its cgroup"

// cgroupState is what is known of the cgroup of a child.
type cgroupState struct {
	said          []string // what was not as it was to be, said last
	kills, limits int      // as OOMKills had them before this run
}

// makeCgroup makes the group of a child that is about to be started, and gives its directory;
// empty: there is none. What cannot be is said when it is new, and the child is started anyway.
func (t *Table) makeCgroup(c *Entry) (dir string) {
	problems, ok := c.Cgroup.Make()
	if !slices.Equal(problems, c.cgroup.said) {
		weight := health.Err
		if t.State.Policy.Leave { // most containers have none to give
			weight = health.Notice
		}
		for _, p := range problems {
			t.Console.Say(weight, "cgroup of "+c.title()+": "+p)
		}
		c.cgroup.said = problems
	}
	c.noteOOM()
	if !ok {
		return ""
	}
	return c.Cgroup.Dir()
}

// EmptyCgroup kills what a child that has ended left behind in its group, and does not wait for the
// end of that. What is of the process group swept is being killed anyway.
func (t *Table) EmptyCgroup(c *Entry, swept int) {
	if c.Cgroup == nil {
		return
	}
	left := c.Cgroup.Processes(swept)
	c.Cgroup.Kill()
	if len(left) > 0 {
		t.Console.Say(health.Notice, c.title()+" left behind in its cgroup, killed: "+cgroup.Names(left))
	}
}

// noteOOM keeps what the OOM killer has done in its group before the run that begins.
func (c *Entry) noteOOM() {
	if c.Cgroup != nil {
		c.cgroup.kills, c.cgroup.limits = c.Cgroup.OOMKills()
	}
}

// oomWords says whether it was the OOM killer that ended it, as far as its group can tell.
func (c *Entry) oomWords(status unix.WaitStatus) string {
	if c.Cgroup == nil || !status.Signaled() || status.Signal() != unix.SIGKILL {
		return ""
	}
	switch kills, limits := c.Cgroup.OOMKills(); {
	case kills <= c.cgroup.kills:
		return ""
	case limits > c.cgroup.limits:
		return " by the OOM killer, at " + c.memoryLimit()
	}
	return " by the OOM killer"
}

// ReachedLimit is the limit of memory at which the OOM killer ended it, as far as is known: its own,
// or that of a group above it, such as a container's.
func (c *Entry) ReachedLimit() string {
	if c.Cgroup != nil {
		if _, limits := c.Cgroup.OOMKills(); limits > c.cgroup.limits {
			return c.memoryLimit()
		}
	}
	return anyLimit
}

// FullWords says that its group has no memory left. A program that comes near to that can seem to
// hang for long before the OOM killer comes: the kernel takes its code from it, and reads it again.
func (c *Entry) FullWords() string {
	if c.Cgroup == nil || !c.Cgroup.IsFull() {
		return ""
	}
	return ", and there is no memory left at " + c.memoryLimit()
}

// memoryLimit is the limit of memory that its cgroup has.
func (c *Entry) memoryLimit() string {
	if c.Cgroup != nil {
		if limit := c.Cgroup.Value("memory.max"); limit != "" && limit != "max" {
			return "memory.max=" + limit + " of its cgroup"
		}
	}
	return anyLimit
}
