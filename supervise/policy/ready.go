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
	s.Started, s.Notified = s.Started || e.Said.Started, s.Notified || e.Said.Ready
	s.settle()
	if s.Answered || s.Policy.Unprobed {
		return nil
	}
	return []Effect{{Kind: Order, Order: cluster.OrderWatch}} // look at once: it has to answer now
}

// settle says whether the release has become ready. Whatever the criterion, it has to
// answer too, where it can be asked; and once it was ready, it stays so.
func (s *State) settle() {
	if s.Ready || !s.Answered && !s.Policy.Unprobed || s.Policy.Ready == config.Started && !s.Started || s.Policy.Ready == config.Notify && !s.Notified {
		return
	}
	s.Ready, s.CameUp = true, true
	if !s.Hung {
		s.Why = "" // how the run before ended
	}
}

// stopping says that the end of the release was asked for.
func (s *State) IsStopping() bool { return s.Phase == Ending || s.Phase == Pausing }

// whatNext says what comes after an end.
func (s *State) WhatNext(now time.Duration) string {
	switch s.Phase {
	case Running:
		return "the release was started again at once (restart " + strconv.Itoa(s.Restarts) + ", pid " + strconv.Itoa(s.PID) + ")"
	case Between:
		return "the release is started again in " + (s.NextAt - now).Truncate(time.Millisecond).String() + "; after " +
			strconv.Itoa(s.Policy.Attempts+1-len(s.Exits)) + " more ends within " + s.Policy.Window.String() + ": " + s.Policy.GiveUp
	case Stopped:
		return "the release " + s.Why + "; it is not started again (supervise.exit_ok)"
	case GivenUp:
		return s.Why + "; the release is not started any more, the node stays as it is"
	case FallingBack:
		return s.Why + "; running supervise.fallback_exec"
	}
	return ""
}
