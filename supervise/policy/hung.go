package policy

import (
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/supervise/heart"
	"golang.org/x/sys/unix"
)

// KillStage is how far the killing of a release that hangs has come: first it is told
// to write its crash dump, then it gets SIGKILL. What follows its end is the policy's.
type KillStage int

// The stages.
const (
	KillNone  KillStage = iota
	KillDump            // it writes its crash dump, and has Policy.DumpTimeout for it
	KillSent            // SIGKILL
	KillStuck           // and it is still there: only a reset helps
)

// BeatSlack is how much later than the heart itself PID 1 misses a beat: in case that
// hangs too.
const BeatSlack = 10 * time.Second

// reported takes over what the monitor found.
func (s *State) reported(e Event) []Effect {
	if s.Phase != Running {
		return nil
	}
	r := e.Report
	s.Known, s.PeerStates = r.Known, r.Peers
	if r.Answer != 0 {
		s.HeardAt = e.At
	}
	switch {
	case s.Fatal != "": // whatever it answers, it is too late
	case r.Answer == cluster.Answered:
		if s.Hung {
			s.Why = ""
		}
		s.Answered, s.Hung, s.Misses, s.Probe = true, false, 0, r.Took
		s.updateReady()
	case r.Answer != 0 && s.Answered:
		s.Hung, s.Probe, s.Why = true, 0, complaint(r.Answer)
		return s.missed(e.At)
	}
	return nil
}

// complaint is what is wrong with an answer, for people.
func complaint(a cluster.Answer) string {
	switch a {
	case cluster.Refused:
		return "the distribution port refuses connections"
	case cluster.Strange:
		return "the distribution port does not speak the distribution protocol"
	}
	return "no answer to the distribution handshake"
}

// missed counts a probe that was not answered. A refusal comes at once: two of them
// within the time of a probe are one, so that a VM has the same time in any case.
func (s *State) missed(at time.Duration) []Effect {
	if s.Misses > 0 && at-s.MissedAt < s.Policy.ProbeTimeout {
		return nil
	}
	s.Misses, s.MissedAt = s.Misses+1, at
	if s.Misses < s.Policy.ProbeFailures || s.Policy.ProbeFailures == 0 || at < s.SnoozeUntil || s.Kill != KillNone {
		return nil
	}
	return s.kill("hung: "+s.Why, unix.SIGUSR1)
}

// kill ends a release that hangs. first is SIGUSR1, on which it writes its crash dump
// (OTP, erl(1)), or SIGABRT; a process that is stopped gets it when it goes on.
func (s *State) kill(why string, first unix.Signal) []Effect {
	s.Fatal, s.Why, s.Hung, s.Probe, s.Kill = why, why, true, 0, KillDump
	return []Effect{
		{Kind: Signal, Signal: first},
		{Kind: Signal, Signal: unix.SIGCONT},
		{Kind: SetTimer, Timer: KillTimer, After: s.Policy.DumpTimeout},
	}
}

// killOn goes one stage further with a release that has not ended.
func (s *State) killOn() []Effect {
	if s.Phase != Running {
		return nil
	}
	switch s.Kill {
	case KillDump:
		if s.Fatal == "" {
			s.Fatal = "its crash dump took longer than " + s.Policy.DumpTimeout.String()
		}
		s.Kill = KillSent
		return []Effect{{Kind: Signal, Signal: unix.SIGKILL}, {Kind: SetTimer, Timer: KillTimer, After: killGrace}}
	case KillSent:
		s.Kill, s.Why = KillStuck, s.Fatal+"; SIGKILL does not end it"
	}
	return nil
}

// tooLate gives up a release that has not become ready in time since its start.
func (s *State) tooLate() []Effect {
	if s.Phase != Running || s.Ready || s.Kill != KillNone {
		return nil
	}
	what := "no answer"
	switch {
	case s.watched() && !s.Answered && !s.Policy.Unprobed:
	case s.Policy.Ready == config.Started:
		what = "not started"
	case s.Policy.Ready == config.Notify:
		what = "no READY=1"
	}
	return s.kill("hung: "+what+" within "+s.Policy.StartTimeout.String()+" of its start", unix.SIGUSR1)
}

// heard takes over what the release's heart said.
func (s *State) heard(e Event) []Effect {
	m := e.Heart
	if s.Phase != Running || m.PID != s.PID || s.Kill != KillNone {
		return nil
	}
	switch m.Kind {
	case heart.Beats:
		s.BeatAt, s.BeatSpan = e.At, m.Span
		return []Effect{{Kind: SetTimer, Timer: BeatTimer, After: m.Span + BeatSlack}}
	case heart.Lost:
		first := unix.SIGUSR1
		if m.Abort {
			first = unix.SIGABRT
		}
		return s.kill(m.Why(), first)
	case heart.Crashing:
		s.Kill = KillDump
		return []Effect{{Kind: SetTimer, Timer: KillTimer, After: s.Policy.DumpTimeout}}
	case heart.Snoozed:
		s.SnoozeUntil = e.At + m.Span
	case heart.Unpetted:
		s.Unpetted = true
	}
	return nil
}

// beatMissed is for a heart that hangs with its release.
func (s *State) beatMissed(at time.Duration) []Effect {
	if s.Phase != Running || s.BeatAt == 0 || s.Kill != KillNone || at < s.BeatAt+s.BeatSpan+BeatSlack {
		return nil
	}
	if at < s.SnoozeUntil {
		return []Effect{{Kind: SetTimer, Timer: BeatTimer, After: s.SnoozeUntil - at}}
	}
	return s.kill("hung: no heart beat for "+(at-s.BeatAt).Truncate(time.Second).String(), unix.SIGUSR1)
}

// Suspended moves all times by which the release is judged: for so long nothing ran.
func (s *State) Suspended(span time.Duration) {
	for _, at := range []*time.Duration{&s.BeatAt, &s.HeardAt, &s.MissedAt, &s.SnoozeUntil, &s.NextAt, &s.DueAt, &s.WellAt} {
		if *at != 0 {
			*at += span
		}
	}
}

// Well says whether the machine is to be kept from its reset by the watchdog, and if
// not, why. Whatever is bounded in time, or meant to be looked at, is well:
//
//	booting, between two runs, on the way down     yes: each ends by a timer
//	rescue                                         yes: somebody is to look at it
//	starting                                       yes: start_timeout bounds it, if set
//	being killed                                   yes; no, if SIGKILL does not end it
//	snoozing (heart)                               yes
//	criterion "process", and it runs               yes
//	criterion "heart", and beats have come         yes: for the last one kills it
//	it cannot be probed, and it runs               yes
//	else, as long as the probe is answered         yes
//	hung, to be killed after probe_failures        yes
//	hung, with probe_failures = 0                  no
//	the monitor has said nothing for long          no
//	after disable_hw (heart)                       no
func (s *State) Well(now time.Duration, criterion string) (ok bool, why string) {
	switch {
	case s.Unpetted:
		return false, "the release said disable_hw"
	case s.Phase == Pausing && s.Kill == KillStuck:
		return false, s.Why
	case s.Phase != Running:
		return true, ""
	case s.Kill == KillStuck:
		return false, s.Why
	case s.Kill != KillNone || now < s.SnoozeUntil || criterion == config.ByProcess ||
		criterion == config.ByHeart && s.BeatAt != 0:
		return true, ""
	case s.Hung && s.Policy.ProbeFailures == 0:
		return false, "hung: " + s.Why
	case s.Mute(now - s.Policy.silence()):
		return false, "the monitor has said nothing for " + (now - s.HeardAt).Truncate(time.Second).String()
	}
	return true, ""
}

// silence is how long no probe can take to be reported by a monitor that works.
func (p *Policy) silence() time.Duration { return p.ProbeInterval + 2*p.ProbeTimeout + 5*time.Second }

// Mute says that the monitor should have reported a probe by now, and has not.
func (s *State) Mute(now time.Duration) bool {
	return !s.Policy.Unprobed && s.watched() && now-s.HeardAt > s.Policy.silence()
}
