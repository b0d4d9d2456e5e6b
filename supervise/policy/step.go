package policy

import (
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
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
	before := s.visible()
	s, effects := step(s, e)
	effects = append(effects, s.watchTrial(e.At)...)
	if s.visible() != before {
		effects = append([]Effect{{Kind: Record}}, effects...)
	}
	return s, effects
}

// visible is that part of a state of which a change makes a new health record due.
type visible struct {
	health    health.State
	pid       int
	restarts  int
	connected int
	known     bool
	unknown   int // peers of whom it is not known why they are missing
	why       string
	trial     Trial
	overdue   bool
}

func (s State) visible() visible {
	f := visible{health: s.Health(), pid: s.PID, restarts: s.Restarts, why: s.Why, trial: s.Trial, overdue: s.Overdue}
	if s.Ready { // before, nobody asks who is connected
		f.connected, f.known = s.Connected(), s.Known
		if s.Known {
			f.unknown = s.count(cluster.NotSeen)
		}
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
		effects := s.started(e)
		return s, effects
	case StartFailed:
		effects := s.notStarted(e)
		return s, effects
	case Exited:
		return s.exited(e)
	case Reported:
		effects := s.reported(e)
		return s, effects
	case Heard:
		effects := s.heard(e)
		return s, effects
	case TimeIsUp:
		return s.timeIsUp(e)
	case StopAsked:
		return s.stop(e)
	case NoRelease:
		if s.Phase == Waiting {
			effects := s.stayOrLeave(e.Text)
			return s, effects
		}
	case ActionAsked:
		return s.requested(e)
	case Notified:
		effects := s.notified(e)
		return s, effects
	case Unheard:
		effects := s.watch(e.At, func() { s.Policy.Ready = config.Listening })
		s.updateReady()
		return s, effects
	case Remembered:
		s.Failed, s.FellBack = e.Failed, s.FellBack || e.FellBack
	case FellBack:
		effects := s.fellBack(e.Text)
		return s, effects
	case Kept:
		if s.Trial == Confirming {
			s.Trial = Confirmed
		}
	case Rejected:
		return s.rejected(e)
	}
	return s, nil
}

func (s State) exited(e Event) (State, []Effect) {
	if e.PID != s.PID || s.PID == 0 {
		return s, nil
	}
	s.Last = e.Status
	if e.Text == "" {
		e.Text = proc.Describe(e.Status)
	}
	effects := []Effect{{Kind: Order, Order: cluster.Rest}, {Kind: SweepUp, PID: s.PID}}
	switch {
	case s.Phase == Ending:
		s.PID = 0
		return s, append(effects, Effect{Kind: Finish})
	case s.Phase == Pausing:
		return s.paused(e, effects)
	case s.Phase == GivenUp: // it had been left alone; now there is none
		s.PID, s.Why = 0, e.Text
		return s, effects
	case s.IsExpectedExit(e.Status):
		s.clearRun("ended on purpose: " + e.Text)
		if s.Policy.Leave {
			return s, append(effects, s.finish(Action(config.PowerOff))...)
		}
		s.Phase = Stopped
		return s, effects
	}
	if s.Fatal != "" {
		e.Text = s.Fatal
	}
	effects = append(effects, s.ended(e.At, e.Text)...)
	return s, effects
}

// forget forgets what was known of the run before.
func (s *State) forget() {
	s.Answered, s.Hung, s.Probe, s.Known, s.PeerStates = false, false, 0, false, nil
	s.Started, s.Notified, s.Ready = false, false, false
	s.Misses, s.Kill, s.Fatal, s.BeatAt, s.SnoozeUntil = 0, KillNone, "", 0, 0
}

func complaint(a cluster.Answer) string {
	switch a {
	case cluster.Refused:
		return "the distribution port refuses connections"
	case cluster.Strange:
		return "the distribution port does not speak the distribution protocol"
	}
	return "no answer to the distribution handshake"
}

func (s State) timeIsUp(e Event) (State, []Effect) {
	switch {
	case e.Timer == NetworkTimer && s.Phase == Waiting:
		return s, []Effect{{Kind: Start}}
	case e.Timer == RestartTimer && s.Phase == Between:
		return s, []Effect{{Kind: Start}}
	case e.Timer == WellTimer && s.Phase == Running && e.At-s.StartedAt >= s.Policy.Window:
		s.CameUp = true // some releases have nothing that answers
	case e.Timer == TrialTimer:
		effects := s.trialOver()
		return s, effects
	case e.Timer == StartTimer:
		effects := s.tooLate()
		return s, effects
	case e.Timer == KillTimer:
		effects := s.killOn()
		return s, effects
	case e.Timer == BeatTimer:
		effects := s.beatMissed(e.At)
		return s, effects
	case e.Timer == StopTimer && s.Phase == Ending && !s.Killed:
		s.Killed = true
		return s, []Effect{{Kind: Signal, Signal: unix.SIGKILL}, {Kind: SetTimer, Timer: StopTimer, After: killGrace}}
	case e.Timer == StopTimer && s.Phase == Ending:
		return s, []Effect{{Kind: Finish}}
	case e.Timer == StopTimer && s.Phase == Pausing && !s.Killed:
		s.Killed = true
		return s, []Effect{{Kind: Signal, Signal: unix.SIGKILL}, {Kind: SetTimer, Timer: StopTimer, After: killGrace}}
	case e.Timer == StopTimer && s.Phase == Pausing && s.Kill != KillStuck:
		s.Kill, s.Why = KillStuck, s.Why+"; SIGKILL does not end it"
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
		effects := s.finish(e.Action)
		return s, effects
	}
	s.Phase = Ending
	sig, limit := unix.SIGTERM, s.Policy.StopTimeout
	if e.Now {
		sig, limit, s.Killed = unix.SIGKILL, killGrace, true
	}
	return s, []Effect{
		{Kind: Signal, Signal: sig},
		{Kind: SetTimer, Timer: StopTimer, After: limit},
	}
}
