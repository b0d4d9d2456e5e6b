package policy

import (
	"strconv"
	"time"

	"github.com/beaminit/beaminit/config"
	"golang.org/x/sys/unix"
)

// The ladder is what follows the end of a release: again at once, again after a
// pause, the way out of supervise.give_up, the fallback command, and at last a node
// that stays as it is and can be looked at.

func (s *State) started(e Event) []Effect {
	if s.Phase == Between && s.Pending != StartPending {
		s.Restarts++
	}
	s.Phase, s.PID, s.StartedAt, s.Ran, s.Pending = Running, e.PID, e.At, true, NoAction
	s.Runs++
	s.forget()
	s.HeardAt = e.At
	effects := []Effect{{Kind: Order, Order: s.WatchOrder()}}
	if limit := s.Policy.StartTimeout; limit > 0 {
		effects = append(effects, Effect{Kind: SetTimer, Timer: StartTimer, After: limit})
	}
	if !s.CameUp {
		effects = append(effects, Effect{Kind: SetTimer, Timer: WellTimer, After: s.Policy.Window})
	}
	return effects
}

func (s *State) notStarted(e Event) []Effect {
	then := s.Pending
	effects := s.ended(e.At, e.Text)
	if s.Phase == Between { // it is still the start that was asked for
		s.Pending = then
	}
	return effects
}

// IsExpectedExit says that the release ended because it wanted to.
func (s *State) IsExpectedExit(status unix.WaitStatus) bool {
	if s.Kill != KillNone { // it was killed, because it hung
		return false
	}
	for _, ok := range s.Policy.ExitOK {
		if status.Exited() && status.ExitStatus() == ok {
			return true
		}
	}
	return false
}

// clearRun forgets the run that is over.
func (s *State) clearRun(why string) {
	s.PID, s.Why, s.Pending = 0, why, NoAction
	s.forget()
}

// ended applies the policy to a release that ran, or could not be started.
func (s *State) ended(at time.Duration, why string) []Effect {
	ran, started := at-s.StartedAt, s.PID != 0
	well := started && ran >= s.Policy.Window
	s.clearRun(why)
	s.CameUp = s.CameUp || well
	if s.Phase == Ending {
		return []Effect{{Kind: Finish}}
	}
	if s.Overdue && s.Trial == OnTrial && !s.FellBack {
		return s.reject(s.overdueWhy())
	}
	if s.Policy.OnExit != config.Restart {
		return s.endNode(Action(s.Policy.OnExit), why)
	}
	s.Exits = Recent(s.Exits, at, s.Policy.Window)
	if len(s.Exits) > s.Policy.Attempts {
		// What could not be started even once will not start after a reboot either:
		// a node that stays can be looked at.
		if !s.Ran {
			return s.stayOrLeave(why)
		}
		why = "gave up after " + strconv.Itoa(len(s.Exits)) + " ends within " + s.Policy.Window.String() + ": " + why
		if s.Policy.GiveUp == config.Rescue || s.canReject() {
			return s.giveUp(why)
		}
		return s.endNode(Action(s.Policy.GiveUp), why)
	}
	return s.scheduleRestart(at, started, well)
}

// scheduleRestart starts the release once more: the first time, and the first time after a
// good run, at once; then after a pause that doubles.
func (s *State) scheduleRestart(at time.Duration, started, well bool) []Effect {
	if well {
		s.Backoff = 0
	}
	pause := s.Backoff
	if pause == 0 && !started { // what cannot be started now cannot a moment later
		pause = s.Policy.BackoffFirst
	}
	s.Backoff = min(max(2*pause, s.Policy.BackoffFirst), s.Policy.BackoffLongest)
	s.Phase = Between
	if pause == 0 {
		s.NextAt = at
		return []Effect{{Kind: Start}}
	}
	pause, s.Rand = jitter(pause, s.Rand)
	s.NextAt = at + pause
	return []Effect{{Kind: SetTimer, Timer: RestartTimer, After: pause}}
}

// endNode ends the node by policy, unless that is a reboot that has not helped often
// enough.
func (s *State) endNode(a Action, why string) []Effect {
	if a == config.Reboot && s.canReject() {
		return s.reject(why)
	}
	if a == config.Reboot && s.helpless() {
		return s.giveUp(strconv.Itoa(s.Failed+1) + " boots in a row did not come up: " + why)
	}
	s.Why = why
	return s.finish(a)
}

// helpless says that a reboot has not helped often enough.
func (s *State) helpless() bool {
	return s.Policy.Boots > 0 && !s.CameUp && s.Failed+1 >= s.Policy.Boots
}

// stayOrLeave is for what cannot be started at all.
func (s *State) stayOrLeave(why string) []Effect {
	if s.Policy.Leave {
		s.Why = why
		return s.finish(Action(config.PowerOff))
	}
	return s.giveUp(why)
}

// giveUp is the end of the ladder: the node stays, without a release. The fallback
// command has one chance to make a reboot worth while.
func (s *State) giveUp(why string) []Effect {
	if s.canReject() {
		return s.reject(why)
	}
	s.Phase, s.Why = GivenUp, why
	if !s.Policy.Fallback || s.FellBack {
		return nil
	}
	s.Phase, s.FellBack = FallingBack, true
	return nil
}

// fellBack reboots into what the command has prepared; how is what was wrong with it, empty that
// all was well.
func (s *State) fellBack(how string) []Effect {
	if s.Phase != FallingBack { // something else was asked for meanwhile
		return nil
	}
	if how == "" {
		return s.finish(config.Reboot)
	}
	s.Phase = GivenUp
	s.Why += "; fallback_exec: " + how
	return nil
}

// Recent gives the exits that still count at the time at, with at added. It
// copies: the old state keeps its own.
func Recent(exits []time.Duration, at, window time.Duration) []time.Duration {
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
func (s *State) finish(a Action) []Effect {
	s.Phase, s.Action = Ending, a
	return []Effect{{Kind: Finish}}
}
