package supervise

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/cgroup"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Start is what the loop is told of the start of the release.
type Start struct {
	NoRelease string         // why nothing can be started; empty: something can
	Cgroup    *cgroup.Group  // of the release; nil: it has none of its own
	Dumps     evidence.Dumps // what is kept of an end of it, as far as that is known before a start

	// NetworkWait is how long the first start waits for the network; 0: it is ready. Readahead reads the
	// release ahead meanwhile; nil, or it gives nil: nothing does.
	NetworkWait time.Duration
	Readahead   func() *launch.Command

	// Prepare makes everything ready for a start, with its number in this boot, from 1 on, and then
	// calls done on the loop's goroutine, at once or later; nil: PID 1 fell too often to know how.
	Prepare func(run int, done func(Release, error))
	Begun   func() // called once, as soon as the release has been started or has to wait
}

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

// starting is a start of the release, or the end of the node, that is under way: first the
// programs, one after the other, then what they come before.
type starting struct {
	programs  []*child // still to be run, the first of them now
	then      func()   // nil: nothing is under way
	held      bool     // it is to be begun when the services that come before it are ready
	asked     bool     // somebody asked for the start
	preparing bool     // Prepare has not called back yet
}

// programChild is the entry of such a program.
func (l *Loop) programChild(p *Program, c *child) Child {
	what := p.Key + ": " + p.Command.Path + ": "
	over := func(text string) {
		if text != "" {
			l.Console.Say(health.Err, what+text+"; going on")
		}
		l.programEnded(c)
	}
	restart := policy.Never
	if p.When == BeforeFirst {
		restart = policy.Once
	}
	return Child{
		Name: p.Name, Title: p.Key, Quiet: true,
		Policy:  policy.ChildPolicy{Restart: restart, Deadline: programLimit, BackoffFirst: time.Second, Linger: true},
		Wanted:  func(*policy.State) bool { return len(l.starting.programs) > 0 && l.starting.programs[0] == c },
		Command: func() (*launch.Command, error) { return &p.Command, nil },
		Refused: func(err error) { over(err.Error()) },
		Late:    func() { over("not done within " + programLimit.String() + ", killed") },
		Ended: func(_ int, status unix.WaitStatus) {
			switch {
			case c.state.Late: // that was said
			case status != 0:
				over(proc.Describe(status))
			default:
				over("")
			}
		},
	}
}

// addPrograms makes the entries of the table for them.
func (l *Loop) addPrograms() {
	for i := range l.Programs {
		p := &l.Programs[i]
		c := l.addChild(Child{})
		c.Child = l.programChild(p, c)
		l.programs[p.When] = append(l.programs[p.When], c)
	}
}

// run runs programs and then does what they come before, at once where there are none.
func (l *Loop) run(programs []*child, then func()) {
	l.starting.programs, l.starting.then = programs, then
	l.nextProgram()
}

func (l *Loop) nextProgram() {
	for len(l.starting.programs) > 0 {
		c := l.starting.programs[0]
		if done := c.Policy.Restart == policy.Once && c.state.Done; !done && (c.state.PID == 0 || !c.state.Killed) { // one that SIGKILL does not end is left behind
			l.stepChild(c, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: true})
			if len(l.starting.programs) == 0 || l.starting.programs[0] != c {
				return // it could not be started, and what follows was done
			}
			if c.state.PID != 0 {
				return
			}
		}
		l.starting.programs = l.starting.programs[1:]
	}
	if then := l.starting.then; then != nil {
		l.starting.then = nil
		then()
	}
}

// programEnded goes on behind a program that has ended, or never will.
func (l *Loop) programEnded(c *child) {
	if len(l.starting.programs) == 0 || l.starting.programs[0] != c {
		return
	}
	l.starting.programs = l.starting.programs[1:]
	l.stepChild(c, policy.ChildEvent{Kind: policy.ChildWanted})
	l.nextProgram()
}

// startRelease begins a start. It may take its time: programs come before it, and files that
// a disk can hold up; the loop goes on meanwhile.
func (l *Loop) startRelease() {
	if l.Start.Prepare == nil {
		l.step(policy.Event{Kind: policy.StartFailed, Text: "PID 1 cannot execute itself anew: " + l.reexecToStart().Error()})
		return
	}
	if l.starting.then != nil || l.starting.preparing {
		return // it is under way
	}
	if l.starting.held = len(l.holding()) > 0; l.starting.held {
		return
	}
	l.stepChild(l.readahead, policy.ChildEvent{Kind: policy.ChildWanted}) // see readaheadChild
	l.starting.asked = l.state.Pending == policy.StartPending
	var programs []*child
	if !l.state.Ran {
		programs = append(programs, l.programs[BeforeFirst]...)
	}
	if l.ends.programsPending && !l.starting.asked {
		programs = append(programs, l.programs[AfterEnd]...)
	}
	l.ends.programsPending = false
	l.run(append(programs, l.programs[BeforeEach]...), l.prepareRelease)
}

func (l *Loop) prepareRelease() {
	l.starting.preparing = true
	l.Start.Prepare(l.state.Runs+1, func(r Release, err error) {
		if !l.starting.preparing { // given up meanwhile
			return
		}
		l.starting.preparing = false
		l.prepared, l.prepareFailed = r, err
		l.startChild(l.release)
	})
}

// isStarting says that a start is under way, of which policy.State knows when it is done.
func (l *Loop) isStarting() bool {
	p := l.state.Phase
	return (p == policy.Waiting || p == policy.Between) && (l.starting.held || l.starting.preparing || l.starting.then != nil)
}

// giveUpStart forgets a start that is under way where another thing is to be done by now.
// A program that runs comes to its end.
func (l *Loop) giveUpStart() {
	if p := l.state.Phase; p == policy.Waiting || p == policy.Between || p == policy.Ending {
		return
	}
	l.starting = starting{}
}
