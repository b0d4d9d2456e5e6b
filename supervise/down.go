package supervise

import (
	"os"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Down is what the way down asks of the node. None of it may block.
type Down struct {
	Button         policy.Action             // that the power button asks for; none: nothing
	Asked          func(policy.Action)       // the node is asked to go down: called each time
	AtOnce         func(policy.Action) error // ends the node without a way down; returns only an error
	ReleaseStopped func()                    // nothing of the release runs any more, and services are stopped
	Finished       func(End)                 // nothing of the release runs any more
}

// End is how the loop ended.
type End struct {
	Action policy.Action
	Seq    uint32          // of the last health record
	Status unix.WaitStatus // of the release's last run
	GaveUp bool            // the release could not be started, or not be kept up
}

// signal deals with a signal to PID 1.
func (l *Loop) signal(sig os.Signal) {
	if sig == unix.SIGCHLD {
		l.reap()
		return
	}
	action, why := ActionOf(sig)
	if l.state.Policy.Leave && action == config.Reboot {
		action = config.PowerOff
		if sig == unix.SIGINT {
			why = "SIGINT" // nobody presses keys there
		}
	}
	if action != "" {
		l.stop(action, why, false)
	}
}

// stop has the node go down, because somebody asked for it.
func (l *Loop) stop(a policy.Action, why string, now bool) {
	l.Console.Say(health.Notice, string(a)+" asked for by "+why)
	l.Down.Asked(a)
	l.downAsked = true
	l.step(policy.Event{Kind: policy.DownAsked, Action: a, Now: now, Text: string(a) + " asked for by " + why})
}

// finish ends the loop, behind the programs that come after an end that nobody asked for.
func (l *Loop) finish() {
	if l.finishing {
		return
	}
	l.finishing, l.starting.preparing, l.starting.held = true, false, false
	var last []*children.Entry
	if l.ends.programsPending && !l.downAsked {
		last = l.programs.of[AfterEnd]
	}
	l.programs.run(last, func() {
		l.table.StopServices(l.Down.ReleaseStopped, func() {
			l.finished = true
			l.Down.Finished(l.end())
		})
	})
}

func (l *Loop) end() End {
	s := &l.state
	gaveUp := !l.downAsked && (!s.Ran || len(s.Exits) > s.Policy.Attempts)
	return End{Action: s.Action, Seq: l.seq, Status: s.Last, GaveUp: gaveUp}
}

// lastJobsLimit is how long lastJobs may hold up the way down, which has more time for that later.
const lastJobsLimit = time.Second

// lastJobs gives what waits to be remembered the time to be, as long as there is a loop that
// has it done.
func (l *Loop) lastJobs() {
	flushed := make(chan struct{})
	go func() {
		l.History.Flush(lastJobsLimit)
		close(flushed)
	}()
	late := time.NewTimer(lastJobsLimit)
	defer late.Stop()
	for {
		select {
		case <-flushed:
			return
		case <-late.C:
			return
		case a := <-l.Jobs.Requests():
			l.Jobs.Start(a)
		case a := <-l.Jobs.Answers():
			l.Jobs.Take(a)
		case sig := <-l.signals:
			l.signal(sig)
		}
	}
}
