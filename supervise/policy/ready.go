package policy

import (
	"strconv"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
)

// notified takes over what the release said. What comes from any other process, or from a
// run that is over, says nothing about it.
func (s *State) notified(e Event) []Effect {
	if s.Phase != Running || e.PID != s.PID || s.PID == 0 || s.Fatal != "" {
		return nil
	}
	effects := s.watch(e.At, func() {
		s.Started, s.Notified = s.Started || e.Said.Started, s.Notified || e.Said.Ready
	})
	s.updateReady()
	return effects
}

// watched says whether the release is where the monitor looks at it. One that says itself
// when it has started is left alone until then: to be asked costs it time while it has none.
func (s *State) watched() bool {
	saysSo := s.Policy.Ready == config.Started || s.Policy.Ready == config.Notify
	return s.Phase == Running && (!saysSo || s.Started || s.Notified || s.Answered)
}

// WatchOrder is what the monitor is to do now.
func (s *State) WatchOrder() cluster.OrderKind {
	if s.watched() {
		return cluster.Look
	}
	return cluster.Rest
}

// watch makes a change after which the monitor may have to begin to look: at once then,
// because it has to answer now.
func (s *State) watch(at time.Duration, change func()) []Effect {
	if s.watched() {
		change()
		return nil
	}
	change()
	if !s.watched() {
		return nil
	}
	s.HeardAt = at
	return []Effect{{Kind: Order, Order: cluster.Look}}
}

// updateReady says whether the release has become ready. Whatever the criterion, it has to
// answer too, where it can be asked; and once it was ready, it stays so.
func (s *State) updateReady() {
	if s.Ready || !s.Answered && !s.Policy.Unprobed {
		return
	}
	switch s.Policy.Ready {
	case config.Started:
		s.Ready = s.Started
	case config.Notify:
		s.Ready = s.Notified
	default:
		s.Ready = true
	}
	if !s.Ready {
		return
	}
	s.CameUp = true
	if !s.Hung {
		s.Why = "" // how the run before ended
	}
}

// IsStopping says that the end of the release was asked for.
func (s *State) IsStopping() bool { return s.Phase == Ending || s.Phase == Pausing }

// WhatNext says what comes after an end.
func (s *State) WhatNext(now time.Duration) string {
	switch s.Phase {
	case Running:
		return "the release was started again at once (restart " + strconv.Itoa(s.Restarts) + ", pid " + strconv.Itoa(s.PID) + ")"
	case Between:
		text := "the release is started again in " + (s.NextAt - now).Truncate(time.Millisecond).String()
		if !s.Ran && len(s.Exits) > 1 { // what follows has been said, and nothing has changed
			return text
		}
		left := strconv.Itoa(s.Policy.Attempts + 1 - len(s.Exits))
		return text + "; after " + left + " more ends within " + s.Policy.Window.String() + ": " + s.consequence()
	case Stopped:
		return "the release " + s.Why + "; it is not started again (supervise.exit_ok)"
	case GivenUp:
		if s.Trial == Rejecting { // that has been said
			return ""
		}
		return s.Why + "; the release is not started any more, the node stays as it is"
	case FallingBack:
		return s.Why + "; running supervise.fallback_exec"
	}
	return ""
}

// consequence is what ended makes of one end too many, as supervise.give_up has it.
func (s *State) consequence() string {
	switch {
	case !s.Ran && s.Policy.Leave:
		return config.PowerOff
	case !s.Ran || s.Policy.GiveUp == config.Reboot && s.helpless():
		return config.Rescue
	}
	return s.Policy.GiveUp
}
