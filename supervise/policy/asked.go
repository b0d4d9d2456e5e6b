package policy

import (
	"time"

	"golang.org/x/sys/unix"
)

// PendingAction is what is to become of the release because somebody asked for it.
type PendingAction int

// What can be asked for.
const (
	NoAction     PendingAction = iota
	StartPending               // stop it in order, and start it again at once
	StopPending                // stop it in order; it is started again only when that is asked for
	KillPending                // the same with SIGKILL, without waiting for anything
)

// requested does what somebody asked for. It is no failure of the release: it does not
// count among the restarts, and they begin anew. While the node goes down, there is
// nothing to ask for.
func (s *State) requested(e Event) []Effect {
	if s.Phase == Ending {
		return nil
	}
	s.Exits, s.Backoff = nil, 0
	s.Why, s.Pending = e.Text, e.Pending
	if s.PID == 0 {
		return s.follow(e.At)
	}
	if s.Phase != Pausing {
		s.Phase, s.Killed = Pausing, false
		if e.Pending != KillPending {
			return []Effect{
				{Kind: Signal, Signal: unix.SIGTERM},
				{Kind: SetTimer, Timer: StopTimer, After: s.Policy.StopTimeout},
			}
		}
	}
	if e.Pending == KillPending && !s.Killed {
		s.Killed = true
		return []Effect{{Kind: Signal, Signal: unix.SIGKILL}, {Kind: SetTimer, Timer: StopTimer, After: killGrace}}
	}
	return nil // it is being stopped already; only what follows has changed
}

// follow does what was asked for, now that no release runs.
func (s *State) follow(at time.Duration) []Effect {
	s.forget()
	if s.Pending == StartPending {
		s.Phase, s.NextAt = Between, at
		return []Effect{{Kind: Start}}
	}
	s.Phase, s.Pending = GivenUp, NoAction
	return nil
}
