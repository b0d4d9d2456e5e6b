package policy

import (
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
)

// Trial is where a system stands that may be a fresh update (table [update]): it has to be
// up for a while to be kept. While it is not, a program gives it up, and the node reboots
// into what the boot loader takes then.
type Trial int

// The stages.
const (
	NoTrial    Trial = iota // it is not on trial
	OnTrial                 // it has to be up for Policy.After
	Confirming              // it was; the program that keeps it is run until it succeeds
	Confirmed
	Rejecting // the program that gives it up runs, and the node reboots when that has ended
)

// Unconfirmed says that the system is on trial yet.
func (s *State) Unconfirmed() bool { return s.Trial != NoTrial && s.Trial != Confirmed }

// IsOverdue says that it should be confirmed by now, and is not given up: that did not help
// before.
func (s *State) IsOverdue() bool { return s.Overdue && s.Unconfirmed() }

// isWell says that the node is as it has to be to be kept.
func (s *State) isWell() bool {
	switch s.Health() {
	case health.Up:
		return !s.Policy.WithPeers || s.Known || s.Peers == 0
	case health.Degraded:
		return !s.Policy.WithPeers
	}
	return false
}

// watchTrial is called after each event: it begins the time for which the node has to be
// up, and sees when that is over.
func (s *State) watchTrial(at time.Duration) []Effect {
	switch {
	case s.Trial != OnTrial || s.Phase == Ending:
	case !s.isWell():
		s.WellAt = 0
		if s.Overdue && !s.FellBack {
			return s.reject(s.overdueWhy())
		}
	case s.WellAt == 0 && s.Policy.After > 0:
		s.WellAt = at
		return []Effect{{Kind: SetTimer, Timer: ConfirmTimer, After: s.Policy.After}}
	case at-s.WellAt >= s.Policy.After:
		s.Trial = Confirming
	}
	return nil
}

// trialOver is the end of the time within which the node had to be up. One that is up by
// now, and not yet for long enough, has that time.
func (s *State) trialOver() []Effect {
	if s.Trial != OnTrial || s.Phase == Ending {
		return nil
	}
	if s.Overdue = true; s.FellBack || s.isWell() {
		return nil
	}
	return s.reject(s.overdueWhy())
}

func (s *State) overdueWhy() string {
	why := "not up within " + s.Policy.Within.String()
	if s.Phase == Running && s.Ready && s.Policy.WithPeers {
		why = "not connected to all peers within " + s.Policy.Within.String()
	}
	if s.Why != "" {
		why += ": " + s.Why
	}
	return why
}

// canReject says that a system that fails is to be given up: it is on trial, and doing so
// has not been tried in this row of boots, which led here.
func (s *State) canReject() bool {
	return s.Trial == Rejecting || (s.Trial == OnTrial || s.Trial == Confirming) && !s.FellBack
}

// reject gives up a system on trial. A release that runs is let run until the node reboots.
func (s *State) reject(why string) []Effect {
	if s.PID == 0 {
		s.Phase = GivenUp
	}
	s.Why = why
	if s.Trial != Rejecting {
		s.Trial, s.FellBack = Rejecting, true
	}
	return nil
}

// rejected reboots, however the program ended that gives the system up: one that was not
// confirmed is nothing that a boot loader stays with.
func (s *State) rejected(e Event) []Effect {
	if s.Trial != Rejecting || s.Phase == Ending {
		return nil
	}
	e.Action, e.Text = config.Reboot, s.Why
	return s.stop(e)
}
