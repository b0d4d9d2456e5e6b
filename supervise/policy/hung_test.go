package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/heart"
)

// hunting is a policy that kills what hangs.
func hunting() Policy {
	p := policy
	p.ProbeInterval, p.ProbeTimeout, p.ProbeFailures, p.DumpTimeout = 10*time.Second, 2*time.Second, 3, 10*time.Second
	return p
}

// happens is an event at a number of milliseconds since the start, what has to follow,
// and why the release is killed from then on.
type happens struct {
	at      int
	event   Event
	effects string
	fatal   string
}

func miss(a cluster.Answer) Event { return Event{Kind: Reported, Report: cluster.Report{Answer: a}} }

func says(m heart.Message) Event {
	if m.PID == 0 {
		m.PID = 87
	}
	return Event{Kind: Heard, Heart: m}
}

func up(timer Timer) Event { return Event{Kind: TimeIsUp, Timer: timer} }

func TestKill(t *testing.T) {
	const dump = "kill -SIGUSR1, kill -SIGCONT, timer kill"
	fine := happens{100, Event{Kind: Reported, Report: answered(0, 1)}, "record", ""}
	silent, refused := miss(cluster.Silent), miss(cluster.Refused)
	beat := heart.Message{Kind: heart.Beats, Span: time.Minute}
	const noAnswer = "hung: no answer to the distribution handshake"
	tests := []struct {
		name   string
		policy func(*Policy)
		list   []happens
	}{
		{"three misses", nil, []happens{fine,
			{2000, silent, "record", ""}, {4500, silent, "", ""}, {7000, silent, "record, " + dump, noAnswer},
			{7500, miss(cluster.Answered), "", noAnswer},
			{8000, Event{Kind: Exited, PID: 87, Status: 1 << 8}, "record, order r, sweep up, start", ""},
			{17000, up(KillTimer), "", ""}}},
		{"an answer in time", nil, []happens{fine,
			{2000, silent, "record", ""}, {4500, silent, "", ""}, {5000, Event{Kind: Reported, Report: answered(0, 1)}, "record", ""},
			{7000, silent, "record", ""}, {9500, silent, "", ""}, {12000, silent, "record, " + dump, noAnswer}}},
		{"refusals count no faster than silence", nil, []happens{fine,
			{1000, refused, "record", ""}, {1500, refused, "", ""}, {2000, refused, "", ""}, {2500, refused, "", ""}, {3000, refused, "", ""},
			{3500, refused, "", ""}, {4000, refused, "", ""}, {4500, refused, "", ""},
			{5000, refused, "record, " + dump, "hung: the distribution port refuses connections"}}},
		{"never by probe_failures = 0", func(p *Policy) { p.ProbeFailures = 0 }, []happens{fine,
			{2000, silent, "record", ""}, {4500, silent, "", ""}, {7000, silent, "", ""}, {70000, silent, "", ""}}},
		{"never before the first answer", nil, []happens{{2000, silent, "", ""}, {4500, silent, "", ""}, {7000, silent, "", ""}, {9000, silent, "", ""}}},
		{"ends by SIGKILL only", nil, []happens{fine,
			{2000, silent, "record", ""}, {4500, silent, "", ""}, {7000, silent, "record, " + dump, noAnswer},
			{17000, up(KillTimer), "kill -SIGKILL, timer kill", noAnswer},
			{19000, up(KillTimer), "record", noAnswer}, // it is stuck
			{29000, up(KillTimer), "", noAnswer}}},
		{"told to stop meanwhile", nil, []happens{fine,
			{2000, silent, "record", ""}, {4500, silent, "", ""}, {7000, silent, "record, " + dump, noAnswer},
			{8000, Event{Kind: DownAsked, Action: "halt"}, "record, kill -SIGTERM, timer stop", noAnswer},
			{17000, up(KillTimer), "", noAnswer},
			{18000, up(StopTimer), "kill -SIGKILL, timer stop", noAnswer}}},
		{"does not start", func(p *Policy) { p.StartTimeout = 5 * time.Minute }, []happens{
			{1000, refused, "", ""}, {300000, up(StartTimer), "record, " + dump, "hung: no answer within 5m0s of its start"}}},
		{"starts in time", func(p *Policy) { p.StartTimeout = 5 * time.Minute }, []happens{fine, {300000, up(StartTimer), "", ""}}},
		{"its heart has lost it", nil, []happens{fine, {5000, says(beat), "timer beat", ""},
			{66000, says(heart.Message{Kind: heart.Lost, Reason: heart.Silent, Span: 61 * time.Second}), "record, " + dump, "hung: no heart beat for 1m1s"}}},
		{"and wants SIGABRT", nil, []happens{
			{66000, says(heart.Message{Kind: heart.Lost, Reason: heart.Told, Abort: true}), "record, kill -SIGABRT, kill -SIGCONT, timer kill", "killed because it said disable_vm"}}},
		{"the heart of a run before", nil, []happens{fine,
			{5000, says(heart.Message{Kind: heart.Lost, Reason: heart.Silent, PID: 86}), "", ""}}},
		{"its heart hangs too", nil, []happens{fine, {5000, says(beat), "timer beat", ""}, {10000, says(beat), "timer beat", ""},
			{75000, up(BeatTimer), "", ""}, {80000, up(BeatTimer), "record, " + dump, "hung: no heart beat for 1m10s"}}},
		{"crashes, and is given the time for its dump", nil, []happens{fine, {5000, says(beat), "timer beat", ""},
			{6000, says(heart.Message{Kind: heart.Crashing}), "timer kill", ""},
			{8000, silent, "record", ""}, {10500, silent, "", ""}, {13000, silent, "", ""},
			{16000, up(KillTimer), "kill -SIGKILL, timer kill", "its crash dump took longer than 10s"}}},
		{"snoozes", nil, []happens{fine, {1000, says(heart.Message{Kind: heart.Snoozed, Span: 15 * time.Minute}), "", ""},
			{2000, silent, "record", ""}, {4500, silent, "", ""}, {7000, silent, "", ""}, {902000, silent, "record, " + dump, noAnswer}}},
		{"at once", nil, []happens{fine,
			{2000, Event{Kind: DownAsked, Action: "reboot", Now: true}, "record, kill -SIGKILL, timer stop", ""},
			{4000, up(StopTimer), "finish", ""}}},
	}
	for _, tt := range tests {
		s := State{Policy: hunting(), Peers: 2, Rand: 1}
		if tt.policy != nil {
			tt.policy(&s.Policy)
		}
		s, _ = Step(s, Event{Kind: Begin})
		s, _ = Step(s, Event{Kind: Started, PID: 87})
		for i, h := range tt.list {
			h.event.At = time.Duration(h.at) * time.Millisecond
			var effects []Effect
			s, effects = Step(s, h.event)
			var names []string
			for _, e := range effects {
				names = append(names, e.String())
			}
			if got := strings.Join(names, ", "); got != h.effects || s.Fatal != h.fatal {
				t.Errorf("%s: %d: got %q, fatal %q; want %q, %q", tt.name, i, got, s.Fatal, h.effects, h.fatal)
			}
		}
	}
}

// The end of a release that PID 1 killed is told by why it was killed.
func TestKilledWhy(t *testing.T) {
	s := State{Policy: hunting(), Rand: 1}
	s, _ = Step(s, Event{Kind: Begin})
	s, _ = Step(s, Event{Kind: Started, PID: 87})
	s, _ = Step(s, says(heart.Message{Kind: heart.Lost, Reason: heart.NoHandshake, Span: time.Minute}))
	if s.Health() != health.Hung || s.Why != "hung: no init_handshake within 1m0s" {
		t.Errorf("%s, why=%q", s.Health(), s.Why)
	}
	s, _ = Step(s, Event{Kind: Exited, PID: 87, Status: 1 << 8})
	if s.Health() != health.Down || s.Why != "hung: no init_handshake within 1m0s" {
		t.Errorf("%s, why=%q", s.Health(), s.Why)
	}
	s, _ = Step(s, Event{Kind: Started, PID: 88})
	s, _ = Step(s, Event{Kind: Exited, PID: 88, Status: 1 << 8})
	if s.Why != "exit status 1" {
		t.Errorf("the next end: why=%q", s.Why)
	}
}

// A machine that stood still for an hour has lost neither a beat nor a report in it.
func TestStoodStill(t *testing.T) {
	s := State{Policy: hunting()}
	s, _ = Step(s, Event{Kind: Started, PID: 87})
	s, _ = Step(s, Event{Kind: Heard, At: 10 * time.Second, Heart: heart.Message{Kind: heart.Beats, PID: 87, Span: time.Minute}})
	s, _ = Step(s, Event{Kind: Reported, At: 20 * time.Second, Report: answered(0, 1)})
	s.Suspended(time.Hour)
	at := time.Hour + 30*time.Second
	if ok, why := s.Well(at, config.ByProbe); !ok {
		t.Errorf("it is not well: %s", why)
	}
	if s, _ = Step(s, Event{Kind: TimeIsUp, Timer: BeatTimer, At: at}); s.Kill != KillNone {
		t.Errorf("it is killed: %s", s.Fatal)
	}
	if s, _ = Step(s, Event{Kind: TimeIsUp, Timer: BeatTimer, At: at + 2*time.Minute}); s.Kill != KillDump || s.Fatal != "hung: no heart beat for 2m20s" {
		t.Errorf("two minutes later it is not killed: %q", s.Fatal)
	}
}

// TestWell is the table of Well.
func TestWell(t *testing.T) {
	const now = 1000 * time.Second
	running := State{Phase: Running, Answered: true, HeardAt: now - time.Second}
	with := func(change func(*State)) State {
		s := running
		s.Policy = hunting()
		change(&s)
		return s
	}
	hung := func(s *State) { s.Hung, s.Why = true, "no answer" }
	tests := []struct {
		name      string
		criterion string
		state     State
		why       string // empty: it is well
	}{
		{"booting", config.ByProbe, State{Phase: Waiting}, ""},
		{"between two runs", config.ByProbe, State{Phase: Between}, ""},
		{"going down", config.ByProbe, State{Phase: Ending}, ""},
		{"rescue", config.ByProbe, State{Phase: GivenUp}, ""},
		{"rescue with a release left alone", config.ByHeart, State{Phase: GivenUp, PID: 87}, ""},
		{"being stopped", config.ByProbe, State{Phase: Pausing, PID: 87}, ""},
		{"being stopped, and SIGKILL does not end it", config.ByProbe, State{Phase: Pausing, PID: 87, Kill: KillStuck, Why: "stuck"}, "stuck"},
		{"starting", config.ByProbe, with(func(s *State) { s.Answered = false }), ""},
		{"up", config.ByProbe, with(func(*State) {}), ""},
		{"hung, to be killed", config.ByProbe, with(hung), ""},
		{"hung, never killed", config.ByProbe, with(func(s *State) { hung(s); s.Policy.ProbeFailures = 0 }), "hung: no answer"},
		{"hung, never killed, process", config.ByProcess, with(func(s *State) { hung(s); s.Policy.ProbeFailures = 0 }), ""},
		{"hung, never killed, no heart has spoken", config.ByHeart, with(func(s *State) { hung(s); s.Policy.ProbeFailures = 0 }), "hung: no answer"},
		{"hung, never killed, beats", config.ByHeart, with(func(s *State) { hung(s); s.Policy.ProbeFailures = 0; s.BeatAt = now - 50*time.Second }), ""},
		{"hung, never killed, snoozing", config.ByProbe, with(func(s *State) { hung(s); s.Policy.ProbeFailures = 0; s.SnoozeUntil = now + 1 }), ""},
		{"hung, never killed, snoozed", config.ByProbe, with(func(s *State) { hung(s); s.Policy.ProbeFailures = 0; s.SnoozeUntil = now }), "hung: no answer"},
		{"being killed", config.ByProbe, with(func(s *State) { hung(s); s.Kill = KillDump }), ""},
		{"SIGKILL sent", config.ByProbe, with(func(s *State) { hung(s); s.Kill = KillSent }), ""},
		{"cannot be killed", config.ByProcess, with(func(s *State) { hung(s); s.Kill = KillStuck }), "no answer"},
		{"a monitor that is late", config.ByProbe, with(func(s *State) { s.HeardAt = now - 37*time.Second }), ""},
		{"a monitor that says nothing", config.ByProbe, with(func(s *State) { s.HeardAt = now - 39*time.Second }), "the monitor has said nothing for 39s"},
		{"the same, process", config.ByProcess, with(func(s *State) { s.HeardAt = now - 39*time.Second }), ""},
		{"disable_hw", config.ByProcess, with(func(s *State) { s.Unpetted = true }), "the release said disable_hw"},
		{"disable_hw, then rescue", config.ByProbe, State{Phase: GivenUp, Unpetted: true}, "the release said disable_hw"},
	}
	for _, tt := range tests {
		ok, why := tt.state.Well(now, tt.criterion)
		if ok != (tt.why == "") || why != tt.why {
			t.Errorf("%s: got %v, %q; want %q", tt.name, ok, why, tt.why)
		}
	}
}

// A release that was killed because it hung did not end on purpose, whatever its dump
// makes of the exit status; and a start that was asked for stays that, if it fails once.
func TestMeant(t *testing.T) {
	s := State{Phase: Running, PID: 87, Policy: Policy{ExitOK: []int{1}, OnExit: config.Restart, Attempts: 5, Window: time.Minute}}
	ended := Event{Kind: Exited, PID: 87, Status: 1 << 8, At: time.Second}
	if got, _ := Step(s, ended); got.Phase != Stopped {
		t.Errorf("exit_ok: phase %d, want Stopped", got.Phase)
	}
	s.Kill, s.Fatal = KillDump, "hung"
	if got, _ := Step(s, ended); got.Phase != Between || got.Why != "hung" {
		t.Errorf("killed because it hung: phase %d, why %q", got.Phase, got.Why)
	}
	s = State{Phase: Between, Pending: StartPending, Policy: s.Policy}
	if got, _ := Step(s, Event{Kind: StartFailed, Text: "no"}); got.Phase != Between || got.Pending != StartPending {
		t.Errorf("a start that failed: phase %d, then %d", got.Phase, got.Pending)
	}
}
