package supervise

import (
	"strings"
	"time"

	"github.com/beaminit/beaminit/supervise/cgroup"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
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

// starting is a start of the release that is under way.
type starting struct {
	held      bool // it is to be begun when the services that come before it are ready
	asked     bool // somebody asked for the start
	preparing bool // Prepare has not called back yet
}

// startRelease begins a start. It may take its time: programs come before it, and files that
// a disk can hold up; the loop goes on meanwhile.
func (l *Loop) startRelease() {
	if l.Start.Prepare == nil {
		l.step(policy.Event{Kind: policy.StartFailed, Text: "PID 1 cannot execute itself anew: " + l.reexecToStart().Error()})
		return
	}
	if l.programs.running() || l.starting.preparing {
		return // it is under way
	}
	if l.starting.held = len(l.table.Holding()) > 0; l.starting.held {
		return
	}
	l.table.Step(l.readahead, policy.ChildEvent{Kind: policy.ChildWanted}) // see readaheadChild
	l.starting.asked = l.state.Pending == policy.StartPending
	var programs []*children.Entry
	if !l.state.Ran {
		programs = append(programs, l.programs.of[BeforeFirst]...)
	}
	if l.ends.programsPending && !l.starting.asked {
		programs = append(programs, l.programs.of[AfterEnd]...)
	}
	l.ends.programsPending = false
	l.programs.run(append(programs, l.programs.of[BeforeEach]...), l.prepareRelease)
}

func (l *Loop) prepareRelease() {
	l.starting.preparing = true
	l.Start.Prepare(l.state.Runs+1, func(r Release, err error) {
		if !l.starting.preparing { // given up meanwhile
			return
		}
		l.starting.preparing = false
		l.prepared, l.prepareFailed = r, err
		l.table.Start(l.release)
	})
}

// startHeld starts the release where it was held, and nothing holds it any more.
func (l *Loop) startHeld() {
	if l.starting.held && len(l.table.Holding()) == 0 {
		l.starting.held = false
		l.startRelease()
	}
}

// heldBy is why the release is not started yet, for the records; empty: nothing holds it.
func (l *Loop) heldBy() string {
	if !l.starting.held {
		return ""
	}
	return "service " + strings.Join(l.table.Holding(), ", ") + " is not ready yet"
}

// isStarting says that a start is under way, of which policy.State knows when it is done.
func (l *Loop) isStarting() bool {
	p := l.state.Phase
	return (p == policy.Waiting || p == policy.Between) && (l.starting.held || l.starting.preparing || l.programs.running())
}

// giveUpStart forgets a start that is under way where another thing is to be done by now.
// A program that runs comes to its end.
func (l *Loop) giveUpStart() {
	if p := l.state.Phase; p == policy.Waiting || p == policy.Between || p == policy.Ending {
		return
	}
	l.starting = starting{}
	l.programs.forget()
}
