package supervise

import (
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Update is what a node is told of the system that it runs, where that may be a fresh update.
type Update struct {
	Slot            string // empty: it was not to be found out
	Trial           bool   // it has to be confirmed
	Confirm, Reject *launch.Command
}

// trialLimit is how long a program that confirms a system or gives it up may take.
const trialLimit = 30 * time.Second

// beginTrial is where a system on trial begins; a PID 1 that takes over has it from the one before.
func (l *Loop) beginTrial() {
	s := &l.state
	s.Slot = l.Update.Slot
	if l.Update.Trial {
		s.Trial, s.DueAt = policy.OnTrial, now()+s.Policy.Within
	}
}

// system is what is on trial, for people.
func (l *Loop) system() string {
	if l.state.Slot == "" {
		return "this system"
	}
	return "slot " + l.state.Slot
}

// watchTrial sets the timers of a trial.
func (l *Loop) watchTrial() {
	s := &l.state
	if s.Trial != policy.OnTrial {
		return
	}
	l.timers.set(policy.TrialTimer, max(s.DueAt-now(), 0))
	if s.WellAt != 0 { // of the PID 1 before
		l.timers.set(policy.ConfirmTimer, max(s.WellAt+s.Policy.After-now(), 0))
	}
	if l.Resume == nil {
		what := "up for " + s.Policy.After.String()
		if s.Policy.WithPeers {
			what += " with all peers"
		}
		l.Console.Say(health.Notice, "update: "+l.system()+" is on trial: it has to be "+what+", within "+s.Policy.Within.String())
	}
}

// addTrial makes the entries of the two programs.
func (l *Loop) addTrial() {
	if l.state.Trial == policy.NoTrial && l.Resume == nil {
		return
	}
	l.confirm = l.table.Add(children.Child{
		Name: "update.confirm",
		Policy: policy.ChildPolicy{Restart: policy.OnFailure, BackoffFirst: time.Second, BackoffLongest: time.Minute,
			Deadline: trialLimit, Linger: true},
		Wanted:  func(s *policy.State) bool { return s.Trial == policy.Confirming && s.Phase != policy.Ending },
		Command: func() (*launch.Command, error) { return l.Update.Confirm, nil },
		Ended: func(_ int, status unix.WaitStatus) {
			if status == 0 {
				l.step(policy.Event{Kind: policy.Kept})
				return
			}
			l.rememberService(l.confirm)
			l.record()
		},
	})
	const reject = "update.reject"
	l.table.Add(children.Child{
		Name: reject, Quiet: true,
		Policy:  policy.ChildPolicy{Restart: policy.Never, Deadline: trialLimit, Linger: true},
		Wanted:  func(s *policy.State) bool { return s.Trial == policy.Rejecting && s.Phase != policy.Ending },
		Command: func() (*launch.Command, error) { return l.Update.Reject, nil },
		Over: func(how string) {
			if how != "" {
				l.Console.Say(health.Err, reject+": "+how+"; the node reboots all the same")
			}
			l.Down.Asked(config.Reboot)
			l.step(policy.Event{Kind: policy.Rejected})
		},
	})
}

// noteTrial says what an event made of the trial.
func (l *Loop) noteTrial(was *policy.State) {
	s := &l.state
	text, weight := "", health.Err
	switch {
	case s.IsOverdue() && !was.Overdue && s.Trial == was.Trial:
		text = "not up for " + s.Policy.After.String() + " within " + s.Policy.Within.String()
		if s.FellBack {
			text += ", and not given up: that was done before, and what came after it is not up either"
		}
	case s.Trial == was.Trial:
	case s.Trial == policy.Confirmed:
		text, weight = "confirmed", health.Notice
	case s.Trial == policy.Rejecting:
		text = "given up: " + s.Why + "; the node reboots"
	}
	if text != "" {
		l.Console.Say(weight, "update: "+l.system()+" is "+text)
	}
}

// followTrial goes on where there is no program to be run.
func (l *Loop) followTrial() {
	s := &l.state
	switch {
	case s.Phase == policy.Ending:
	case s.Trial == policy.Confirming && l.Update.Confirm == nil:
		l.step(policy.Event{Kind: policy.Kept})
	case s.Trial == policy.Rejecting && l.Update.Reject == nil:
		l.Down.Asked(config.Reboot)
		l.step(policy.Event{Kind: policy.Rejected})
	}
}
