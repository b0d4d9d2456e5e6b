package supervise

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// When says when a Program is run.
type When int

// The times for a program of the image.
const (
	BeforeFirst When = iota // start of the release in a boot
	AfterEnd                // of the release that nobody asked for: before the next start, or the way down
	BeforeEach              // start of the release
)

// Program is a program of the image that is run around the release: as root, with PID 1's
// own clean environment, and for programLimit at most. Its output is on the console.
type Program struct {
	Key     string // of the configuration: release.pre_run
	Name    string // in front of what it says
	When    When
	Command launch.Command
}

// programLimit is how long such a program may take.
const programLimit = 30 * time.Second

// programs are those of the image, and what is run of them: one after the other, and then what they
// come before.
type programs struct {
	table *children.Table
	of    [BeforeEach + 1][]*children.Entry // by their times
	left  []*children.Entry                 // still to be run, the first of them now
	then  func()                            // nil: nothing is under way
}

// entry is the entry of such a program.
func (r *programs) entry(p *Program, c *children.Entry) children.Child {
	what := p.Key + ": " + p.Command.Path + ": "
	over := func(text string) {
		if text != "" {
			r.table.Console.Say(health.Err, what+text+"; going on")
		}
		r.ended(c)
	}
	restart := policy.Never
	if p.When == BeforeFirst {
		restart = policy.Once
	}
	return children.Child{
		Name: p.Name, Title: p.Key, Quiet: true,
		Policy:  policy.ChildPolicy{Restart: restart, Deadline: programLimit, BackoffFirst: time.Second, Linger: true},
		Wanted:  func(*policy.State) bool { return r.isFirst(c) },
		Command: func() (*launch.Command, error) { return &p.Command, nil },
		Refused: func(err error) { over(err.Error()) },
		Late:    func() { over("not done within " + programLimit.String() + ", killed") },
		Ended: func(_ int, status unix.WaitStatus) {
			switch {
			case c.State.Late: // that was said
			case status != 0:
				over(proc.Describe(status))
			default:
				over("")
			}
		},
	}
}

// add makes the entries of the table for them.
func (r *programs) add(list []Program) {
	for i := range list {
		p := &list[i]
		c := r.table.Add(children.Child{})
		c.Child = r.entry(p, c)
		r.of[p.When] = append(r.of[p.When], c)
	}
}

// run runs programs and then does what they come before, at once where there are none.
func (r *programs) run(list []*children.Entry, then func()) {
	r.left, r.then = list, then
	r.next()
}

// running says whether that is under way.
func (r *programs) running() bool { return r.then != nil }

// forget has nothing follow from what runs: a program comes to its end.
func (r *programs) forget() { r.left, r.then = nil, nil }

func (r *programs) isFirst(c *children.Entry) bool { return len(r.left) > 0 && r.left[0] == c }

// next goes on: with the next program, or with what they come before.
func (r *programs) next() {
	for len(r.left) > 0 {
		c := r.left[0]
		if done := c.Policy.Restart == policy.Once && c.State.Done; !done && (c.State.PID == 0 || !c.State.Killed) { // one that SIGKILL does not end is left behind
			r.table.Step(c, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: true})
			if !r.isFirst(c) {
				return // it could not be started, and what follows was done
			}
			if c.State.PID != 0 {
				return
			}
		}
		r.left = r.left[1:]
	}
	if then := r.then; then != nil {
		r.then = nil
		then()
	}
}

// ended goes on behind a program that has ended, or never will.
func (r *programs) ended(c *children.Entry) {
	if !r.isFirst(c) {
		return
	}
	r.left = r.left[1:]
	r.table.Step(c, policy.ChildEvent{Kind: policy.ChildWanted})
	r.next()
}
