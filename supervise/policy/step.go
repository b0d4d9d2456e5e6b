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
// s and e, everything it wants done is in the effects. The state given stays as it is; the
// functions below change the copy that is the next one.
//
// The record of a change comes first, so that "down" is on the console before
// the release is started again.
func Step(s State, e Event) (State, []Effect) {
	before := s.visible()
	effects := s.step(e)
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

func (s *State) visible() visible {
	f := visible{health: s.Health(), pid: s.PID, restarts: s.Restarts, why: s.Why, trial: s.Trial, overdue: s.Overdue}
	if s.Ready { // before, nobody asks who is connected
		f.connected, f.known = s.Connected(), s.Known
		if s.Known {
			f.unknown = s.count(cluster.NotSeen)
		}
	}
	return f
}

func (s *State) step(e Event) []Effect {
	switch e.Kind {
	case Begin:
		if s.Phase == Waiting {
			return []Effect{{Kind: Start}}
		}
	case Started:
		return s.started(e)
	case StartFailed:
		return s.notStarted(e)
	case Exited:
		return s.exited(e)
	case Reported:
		return s.reported(e)
	case Heard:
		return s.heard(e)
	case TimeIsUp:
		return s.timeIsUp(e)
	case DownAsked:
		return s.stop(e)
	case NoRelease:
		if s.Phase == Waiting {
			return s.stayOrLeave(e.Text)
		}
	case ReleaseAsked:
		return s.requested(e)
	case Notified:
		return s.notified(e)
	case Unheard:
		effects := s.watch(e.At, func() { s.Policy.Ready = config.Listening })
		s.updateReady()
		return effects
	case Remembered:
		s.Failed, s.FellBack = e.Failed, s.FellBack || e.FellBack
	case FellBack:
		return s.fellBack(e.Text)
	case Kept:
		if s.Trial == Confirming {
			s.Trial = Confirmed
		}
	case Rejected:
		return s.rejected(e)
	}
	return nil
}

func (s *State) exited(e Event) []Effect {
	if e.PID != s.PID || s.PID == 0 {
		return nil
	}
	s.Last = e.Status
	if e.Text == "" {
		e.Text = proc.Describe(e.Status)
	}
	effects := []Effect{{Kind: Order, Order: cluster.Rest}, {Kind: SweepUp, PID: s.PID}}
	switch {
	case s.Phase == Ending:
		s.PID = 0
		return append(effects, Effect{Kind: Finish})
	case s.Phase == Pausing: // it was to be stopped
		s.PID, s.Killed = 0, false
		return append(effects, s.follow(e.At)...)
	case s.Phase == GivenUp: // it had been left alone; now there is none
		s.PID, s.Why = 0, e.Text
		return effects
	case s.IsExpectedExit(e.Status):
		s.clearRun("ended on purpose: " + e.Text)
		if s.Policy.Leave {
			return append(effects, s.finish(Action(config.PowerOff))...)
		}
		s.Phase = Stopped
		return effects
	}
	if s.Fatal != "" {
		e.Text = s.Fatal
	}
	return append(effects, s.ended(e.At, e.Text)...)
}

// forget forgets what was known of the run before.
func (s *State) forget() {
	s.Answered, s.Hung, s.Probe, s.Known, s.PeerStates = false, false, 0, false, nil
	s.Started, s.Notified, s.Ready = false, false, false
	s.Misses, s.Kill, s.Fatal, s.BeatAt, s.SnoozeUntil = 0, KillNone, "", 0, 0
}

func (s *State) timeIsUp(e Event) []Effect {
	switch {
	case e.Timer == NetworkTimer && s.Phase == Waiting:
		return []Effect{{Kind: Start}}
	case e.Timer == RestartTimer && s.Phase == Between:
		return []Effect{{Kind: Start}}
	case e.Timer == WellTimer && s.Phase == Running && e.At-s.StartedAt >= s.Policy.Window:
		s.CameUp = true // some releases have nothing that answers
	case e.Timer == TrialTimer:
		return s.trialOver()
	case e.Timer == StartTimer:
		return s.tooLate()
	case e.Timer == KillTimer:
		return s.killOn()
	case e.Timer == BeatTimer:
		return s.beatMissed(e.At)
	case e.Timer == StopTimer && s.IsStopping():
		return s.stopLate()
	}
	return nil
}

// stopLate goes one stage further with a release that was to stop and has not: SIGKILL, and
// where that does not end it either, on without it.
func (s *State) stopLate() []Effect {
	switch {
	case !s.Killed:
		s.Killed = true
		return []Effect{{Kind: Signal, Signal: unix.SIGKILL}, {Kind: SetTimer, Timer: StopTimer, After: killGrace}}
	case s.Phase == Ending:
		return []Effect{{Kind: Finish}}
	case s.Kill != KillStuck:
		s.Kill, s.Why = KillStuck, s.Why+"; SIGKILL does not end it"
	}
	return nil
}

// stop begins the way down. A second request changes the action, not the clock.
func (s *State) stop(e Event) []Effect {
	s.Action = e.Action
	if s.Phase == Ending {
		return nil
	}
	s.Why = e.Text
	if s.PID == 0 {
		return s.finish(e.Action)
	}
	s.Phase = Ending
	sig, limit := unix.SIGTERM, s.Policy.StopTimeout
	if e.Now {
		sig, limit, s.Killed = unix.SIGKILL, killGrace, true
	}
	return []Effect{
		{Kind: Signal, Signal: sig},
		{Kind: SetTimer, Timer: StopTimer, After: limit},
	}
}
