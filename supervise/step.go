package supervise

import (
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// killGrace is how long a process may take to vanish after SIGKILL before the
// way down goes on without it: one in uninterruptible sleep never does.
const killGrace = 2 * time.Second

// Step decides what follows from an event. It is pure: everything it knows is in
// s and e, everything it wants done is in the effects.
//
// The record of a change comes first, so that "down" is on the console before
// the release is started again.
func Step(s State, e Event) (State, []Effect) {
	before := s.face()
	s, effects := step(s, e)
	if s.face() != before {
		effects = append([]Effect{{Kind: Record}}, effects...)
	}
	return s, effects
}

// face is what a change of makes a new health record due.
type face struct {
	health    health.State
	pid       int
	restarts  int
	connected int
	known     bool
	why       string
}

func (s State) face() face {
	f := face{health: s.Health(), pid: s.PID, restarts: s.Restarts, why: s.Why}
	if s.Answered { // before, nobody asks who is connected
		f.connected, f.known = s.Connected(), s.Known
	}
	return f
}

func step(s State, e Event) (State, []Effect) {
	switch e.Kind {
	case Begin:
		if s.Phase == Waiting {
			return s, []Effect{{Kind: Start}}
		}
	case Started:
		if s.Phase == Between && s.Then != ThenStart {
			s.Restarts++
		}
		s.Phase, s.PID, s.StartedAt, s.Ran, s.Then = Running, e.PID, e.At, true, Nothing
		s.Answered, s.Hung, s.Probe, s.Known, s.Members = false, false, 0, false, health.Set{}
		return s, []Effect{{Kind: Order, Order: health.OrderWatch}}
	case StartFailed:
		return s.ended(e.At, e.Text)
	case Exited:
		return s.exited(e)
	case Reported:
		return s.reported(e.Report), nil
	case TimeIsUp:
		return s.timeIsUp(e)
	case StopAsked:
		return s.stop(e)
	case NoRelease:
		if s.Phase == Waiting {
			s.Phase, s.Why = GivenUp, e.Text
		}
	case Asked:
		return s.asked(e)
	}
	return s, nil
}

func (s State) exited(e Event) (State, []Effect) {
	if e.PID != s.PID || s.PID == 0 {
		return s, nil
	}
	effects := []Effect{{Kind: Order, Order: health.OrderRest}, {Kind: SweepUp, PID: s.PID}}
	if s.Phase == Ending {
		s.PID = 0
		return s, append(effects, Effect{Kind: Finish})
	}
	if s.Phase == Pausing {
		return s.paused(e, effects)
	}
	if s.Phase == GivenUp { // it had been left alone; now there is none
		s.PID, s.Why = 0, Describe(e.Status)
		return s, effects
	}
	s, more := s.ended(e.At, Describe(e.Status))
	return s, append(effects, more...)
}

// ended applies the policy to a release that ran, or could not be started.
func (s State) ended(at time.Duration, why string) (State, []Effect) {
	ran := at - s.StartedAt
	if s.PID == 0 {
		ran = 0
	}
	s.PID, s.Why, s.Then = 0, why, Nothing
	s.Answered, s.Hung, s.Probe, s.Known, s.Members = false, false, 0, false, health.Set{}
	if s.Phase == Ending {
		return s, []Effect{{Kind: Finish}}
	}
	if s.Policy.OnExit != config.Restart {
		return s.finish(Action(s.Policy.OnExit))
	}
	s.Exits = within(s.Exits, at, s.Policy.Window)
	if len(s.Exits) > s.Policy.Attempts {
		// What could not be started even once will not start after a reboot either:
		// a node that stays can be looked at.
		if s.Policy.GiveUp == config.Rescue || !s.Ran {
			s.Phase = GivenUp
			return s, nil
		}
		return s.finish(Action(s.Policy.GiveUp))
	}
	if s.Backoff == 0 || ran >= s.Policy.Window {
		s.Backoff = s.Policy.BackoffFirst
	} else {
		s.Backoff = min(2*s.Backoff, s.Policy.BackoffLongest)
	}
	var delay time.Duration
	delay, s.Rand = jitter(s.Backoff, s.Rand)
	s.Phase, s.NextAt = Between, at+delay
	return s, []Effect{{Kind: SetTimer, Timer: RestartTimer, After: delay}}
}

// within gives the exits that still count at the time at, with at added. It
// copies: the old state keeps its own.
func within(exits []time.Duration, at, window time.Duration) []time.Duration {
	kept := make([]time.Duration, 0, len(exits)+1)
	for _, t := range exits {
		if at-t < window {
			kept = append(kept, t)
		}
	}
	return append(kept, at)
}

// jitter spreads d by a quarter to both sides, so that nodes that fell together
// do not rise together.
func jitter(d time.Duration, rand uint32) (time.Duration, uint32) {
	rand ^= rand << 13
	rand ^= rand >> 17
	rand ^= rand << 5
	return d*3/4 + d/2*time.Duration(rand>>16)/(1<<16), rand
}

// finish goes down with nothing left to stop.
func (s State) finish(a Action) (State, []Effect) {
	s.Phase, s.Action = Ending, a
	return s, []Effect{{Kind: Finish}}
}

func (s State) reported(r health.Report) State {
	if s.Phase != Running {
		return s
	}
	s.Known, s.Members = r.Known, r.Members
	switch {
	case r.Answer == health.Answered:
		s.Answered, s.Hung, s.Probe, s.Why = true, false, r.Took, ""
	case r.Answer != 0 && s.Answered:
		s.Hung, s.Probe, s.Why = true, 0, complaint(r.Answer)
	}
	return s
}

func complaint(a health.Answer) string {
	switch a {
	case health.Refused:
		return "the distribution port refuses connections"
	case health.Strange:
		return "the distribution port does not speak the distribution protocol"
	}
	return "no answer to the distribution handshake"
}

func (s State) timeIsUp(e Event) (State, []Effect) {
	switch {
	case e.Timer == StopTimer && s.Phase == Pausing && !s.Killed:
		s.Killed = true
		return s, []Effect{{Kind: Signal, Signal: unix.SIGKILL}}
	case e.Timer == NetworkTimer && s.Phase == Waiting:
		return s, []Effect{{Kind: Start}}
	case e.Timer == RestartTimer && s.Phase == Between:
		return s, []Effect{{Kind: Start}}
	case e.Timer == StopTimer && s.Phase == Ending && !s.Killed:
		s.Killed = true
		return s, []Effect{{Kind: Signal, Signal: unix.SIGKILL}, {Kind: SetTimer, Timer: StopTimer, After: killGrace}}
	case e.Timer == StopTimer && s.Phase == Ending:
		return s, []Effect{{Kind: Finish}}
	}
	return s, nil
}

// stop begins the way down. A second request changes the action, not the clock.
func (s State) stop(e Event) (State, []Effect) {
	s.Action = e.Action
	if s.Phase == Ending {
		return s, nil
	}
	s.Why = e.Text
	if s.PID == 0 {
		return s.finish(e.Action)
	}
	s.Phase = Ending
	return s, []Effect{
		{Kind: Signal, Signal: unix.SIGTERM},
		{Kind: SetTimer, Timer: StopTimer, After: s.Policy.StopTimeout},
	}
}
