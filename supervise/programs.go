package supervise

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
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
func (r *programs) entry(p *Program) children.Child {
	restart := policy.Never
	if p.When == BeforeFirst {
		restart = policy.Once
	}
	return children.Child{
		Name: p.Name, Title: p.Key, Quiet: true,
		Policy:  policy.ChildPolicy{Restart: restart, Deadline: programLimit, BackoffFirst: time.Second, Linger: true},
		Wanted:  func(*policy.State) bool { return r.isFirst(p.Name) },
		Command: func() (*launch.Command, error) { return &p.Command, nil },
		Over: func(how string) {
			if how != "" {
				r.table.Console.Say(health.Err, p.Key+": "+p.Command.Path+": "+how+"; going on")
			}
			r.ended(p.Name)
		},
	}
}

// add makes the entries of the table for them.
func (r *programs) add(list []Program) {
	for i := range list {
		p := &list[i]
		r.of[p.When] = append(r.of[p.When], r.table.Add(r.entry(p)))
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

// isFirst says that it is the turn of the program of that name.
func (r *programs) isFirst(name string) bool { return len(r.left) > 0 && r.left[0].Name == name }

// next goes on: with the next program, or with what they come before.
func (r *programs) next() {
	for len(r.left) > 0 {
		c := r.left[0]
		wasRun := c.Policy.Restart == policy.Once && c.State.Done
		leftBehind := c.State.PID != 0 && c.State.Killed // SIGKILL does not end it
		if !wasRun && !leftBehind {
			r.table.Step(c, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: true})
			if !r.isFirst(c.Name) {
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
func (r *programs) ended(name string) {
	if !r.isFirst(name) {
		return
	}
	c := r.left[0]
	r.left = r.left[1:]
	r.table.Step(c, policy.ChildEvent{Kind: policy.ChildWanted})
	r.next()
}
