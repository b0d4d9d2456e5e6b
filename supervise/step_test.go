package supervise

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

var policy = Policy{
	OnExit: "restart", BackoffFirst: 100 * time.Millisecond, BackoffLongest: 30 * time.Second,
	Attempts: 5, Window: time.Minute, GiveUp: "reboot", StopTimeout: 10 * time.Second,
}

func (e Effect) String() string {
	switch e.Kind {
	case Start:
		return "start"
	case Signal:
		return "kill -" + unix.SignalName(e.Signal)
	case SetTimer:
		return fmt.Sprintf("timer %d", e.Timer)
	case Order:
		return "order " + string(e.Order)
	case Record:
		return "record"
	case Finish:
		return "finish"
	case SweepUp:
		return "sweep up"
	}
	return "?"
}

func answered(peers ...int) health.Report {
	r := health.Report{Answer: health.Answered, Known: true, Took: time.Millisecond}
	for _, p := range peers {
		r.Members[p/8] |= 1 << (p % 8)
	}
	return r
}

const killed = unix.WaitStatus(9)

// A life is a list of events, each with what it must lead to.
type turn struct {
	event   Event
	effects string
	health  health.State
}

func asks(then Then, effects string, h health.State) turn {
	return turn{Event{Kind: Asked, Then: then, Text: "asked for " + string(rune('0'+then))}, effects, h}
}

func TestStep(t *testing.T) {
	begin := turn{Event{Kind: Begin}, "start", health.Booting}
	started := turn{Event{Kind: Started, PID: 87}, "record, order w", health.Starting}
	up := turn{Event{Kind: Reported, Report: answered(0, 1)}, "record", health.Up}
	dies := turn{Event{Kind: Exited, PID: 87, Status: killed, At: time.Second}, "record, order r, sweep up, timer 0", health.Down}
	tests := []struct {
		name   string
		policy func(*Policy)
		turns  []turn
	}{
		{"a good life", nil, []turn{begin, started,
			{Event{Kind: Reported, Report: health.Report{Answer: health.Refused}}, "", health.Starting},
			{Event{Kind: Reported, Report: answered(1)}, "record", health.Degraded},
			up, {Event{Kind: Reported, Report: answered(0, 1)}, "", health.Up},
			{Event{Kind: Reported, Report: answered(0)}, "record", health.Degraded},
			up}},
		{"killed and started again", nil, []turn{begin, started, up, dies,
			{Event{Kind: TimeIsUp, Timer: RestartTimer}, "start", health.Down},
			started, up}},
		{"hangs and comes back", nil, []turn{begin, started, up,
			{Event{Kind: Reported, Report: health.Report{Answer: health.Silent}}, "record", health.Hung},
			{Event{Kind: Reported, Report: health.Report{Answer: health.Silent}}, "", health.Hung},
			up}},
		{"slow to start is not hung", nil, []turn{begin, started,
			{Event{Kind: Reported, Report: health.Report{Answer: health.Silent}}, "", health.Starting}}},
		{"another's exit", nil, []turn{begin, started, {Event{Kind: Exited, PID: 3, Status: killed}, "", health.Starting}}},
		{"a report that comes late", nil, []turn{begin, started, up, dies, {Event{Kind: Reported, Report: answered(0)}, "", health.Down}}},
		{"stop", nil, []turn{begin, started, up,
			{Event{Kind: StopAsked, Action: "poweroff"}, "record, kill -SIGTERM, timer 1", health.Stopping},
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, finish", health.Stopping}}},
		{"restart", nil, []turn{begin, started, up, asks(ThenStart, "record, kill -SIGTERM, timer 1", health.Stopping),
			{Event{Kind: Reported, Report: answered(0, 1)}, "", health.Stopping},
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, start", health.Down}, started, up}},
		{"restart a release that hangs", nil, []turn{begin, started, up, asks(ThenStart, "record, kill -SIGTERM, timer 1", health.Stopping),
			{Event{Kind: TimeIsUp, Timer: StopTimer}, "kill -SIGKILL", health.Stopping},
			{Event{Kind: TimeIsUp, Timer: StopTimer}, "", health.Stopping},
			{Event{Kind: Exited, PID: 87, Status: killed}, "record, order r, sweep up, start", health.Down}, started}},
		{"restart at once, between two runs", nil, []turn{begin, started, up, dies, asks(ThenStart, "record, start", health.Down), started,
			{Event{Kind: TimeIsUp, Timer: RestartTimer}, "", health.Starting}}},
		{"restart before the network is there", nil, []turn{asks(ThenStart, "record, start", health.Down), started, {Event{Kind: Begin}, "", health.Starting}}},
		{"restart that cannot start", nil, []turn{begin, started, up, asks(ThenStart, "record, kill -SIGTERM, timer 1", health.Stopping),
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, start", health.Down},
			{Event{Kind: StartFailed, Text: "no"}, "record, timer 0", health.Down}}},
		{"stop, and on again", func(p *Policy) { p.OnExit = "reboot" }, []turn{begin, started, up, asks(ThenStop, "record, kill -SIGTERM, timer 1", health.Stopping),
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up", health.Rescue},
			{Event{Kind: Begin}, "", health.Rescue}, {Event{Kind: TimeIsUp, Timer: RestartTimer}, "", health.Rescue},
			asks(ThenStop, "", health.Rescue), asks(ThenStart, "record, start", health.Down), started, up}},
		{"rescue", nil, []turn{begin, started, up, asks(ThenKill, "record, kill -SIGKILL", health.Stopping),
			{Event{Kind: Exited, PID: 87, Status: killed}, "record, order r, sweep up", health.Rescue}}},
		{"one thing after the other is asked for", nil, []turn{begin, started, up, asks(ThenStart, "record, kill -SIGTERM, timer 1", health.Stopping),
			asks(ThenStop, "record", health.Stopping), asks(ThenKill, "record, kill -SIGKILL", health.Stopping), asks(ThenKill, "", health.Stopping),
			{Event{Kind: Exited, PID: 87, Status: killed}, "record, order r, sweep up", health.Rescue}}},
		{"the node goes down while it stops the release", nil, []turn{begin, started, up, asks(ThenStart, "record, kill -SIGTERM, timer 1", health.Stopping),
			{Event{Kind: StopAsked, Action: "reboot", Text: "reboot"}, "record, kill -SIGTERM, timer 1", health.Stopping},
			asks(ThenStop, "", health.Stopping),
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, finish", health.Stopping}}},
		{"stop a release that does not want to", nil, []turn{begin, started, up,
			{Event{Kind: StopAsked, Action: "halt"}, "record, kill -SIGTERM, timer 1", health.Stopping},
			{Event{Kind: StopAsked, Action: "reboot"}, "", health.Stopping},
			{Event{Kind: TimeIsUp, Timer: StopTimer}, "kill -SIGKILL, timer 1", health.Stopping},
			{Event{Kind: TimeIsUp, Timer: StopTimer}, "finish", health.Stopping}}},
		{"stop between two runs", nil, []turn{begin, started, up, dies,
			{Event{Kind: StopAsked, Action: "reboot"}, "record, finish", health.Stopping}}},
		{"stop while the network is awaited", nil, []turn{
			{Event{Kind: StopAsked, Action: "reboot"}, "record, finish", health.Stopping}}},
		{"the network never comes", nil, []turn{{Event{Kind: TimeIsUp, Timer: NetworkTimer}, "start", health.Booting}, started,
			{Event{Kind: Begin}, "", health.Starting}}},
		{"no release", nil, []turn{{Event{Kind: NoRelease, Text: "none in /srv/erlang"}, "record", health.Rescue},
			{Event{Kind: Begin}, "", health.Rescue},
			{Event{Kind: StopAsked, Action: "reboot"}, "record, finish", health.Stopping}}},
		{"cannot be started", nil, []turn{begin, {Event{Kind: StartFailed, Text: "fork: no memory"}, "record, timer 0", health.Down}}},
		{"can never be started", func(p *Policy) { p.Attempts = 0 }, []turn{begin, {Event{Kind: StartFailed, Text: "no space"}, "record", health.Rescue}}},
		{"on_exit = reboot", func(p *Policy) { p.OnExit = "reboot" }, []turn{begin, started, up,
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, finish", health.Stopping}}},
		{"gives up", func(p *Policy) { p.Attempts = 1; p.GiveUp = "rescue" }, []turn{begin, started, dies,
			{Event{Kind: TimeIsUp, Timer: RestartTimer}, "start", health.Down}, started,
			{Event{Kind: Exited, PID: 87, Status: killed, At: 2 * time.Second}, "record, order r, sweep up", health.Rescue}}},
		{"gives up and reboots", func(p *Policy) { p.Attempts = 0 }, []turn{begin, started,
			{Event{Kind: Exited, PID: 87, Status: killed}, "record, order r, sweep up, finish", health.Stopping}}},
	}
	for _, tt := range tests {
		s := State{Policy: policy, Peers: 2, Rand: 1}
		if tt.policy != nil {
			tt.policy(&s.Policy)
		}
		for i, turn := range tt.turns {
			var effects []Effect
			s, effects = Step(s, turn.event)
			var names []string
			for _, e := range effects {
				names = append(names, e.String())
			}
			if got := strings.Join(names, ", "); got != turn.effects || s.Health() != turn.health {
				t.Errorf("%s: event %d:\n got %q, %s\nwant %q, %s", tt.name, i, got, s.Health(), turn.effects, turn.health)
			}
		}
	}
}

func TestBackoff(t *testing.T) {
	s := State{Policy: policy, Rand: 7}
	s.Policy.Attempts = 1000
	at := time.Duration(0)
	want := []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}
	for i, w := range want {
		s, _ = Step(s, Event{Kind: Begin})
		s, _ = Step(s, Event{Kind: Started, PID: 9, At: at})
		at += time.Second
		s, _ = Step(s, Event{Kind: Exited, PID: 9, At: at})
		w *= time.Millisecond
		if got := s.NextAt - at; s.Backoff != w || got < w*3/4 || got >= w*5/4 {
			t.Errorf("restart %d: back-off %v, delay %v, want %v and a quarter around it", i, s.Backoff, got, w)
		}
		at = s.NextAt
	}
	s, _ = Step(s, Event{Kind: Started, PID: 9, At: at})
	s, _ = Step(s, Event{Kind: Exited, PID: 9, At: at + policy.Window})
	if s.Backoff != policy.BackoffFirst {
		t.Errorf("after a healthy run: back-off %v, want %v", s.Backoff, policy.BackoffFirst)
	}
}

// Step must not reach back into the state it was given.
func TestStepIsPure(t *testing.T) {
	s := State{Policy: policy, Rand: 1, Exits: make([]time.Duration, 1, 8)}
	s, _ = Step(s, Event{Kind: Begin})
	s, _ = Step(s, Event{Kind: Started, PID: 9})
	a, _ := Step(s, Event{Kind: Exited, PID: 9, At: time.Second})
	b, _ := Step(s, Event{Kind: Exited, PID: 9, At: 2 * time.Second})
	if !reflect.DeepEqual(a.Exits, []time.Duration{0, time.Second}) || !reflect.DeepEqual(b.Exits, []time.Duration{0, 2 * time.Second}) {
		t.Errorf("two futures share their past: %v, %v", a.Exits, b.Exits)
	}
}

func TestDescribe(t *testing.T) {
	tests := []struct {
		status unix.WaitStatus
		want   string
	}{
		{0, "exit status 0"},
		{1 << 8, "exit status 1"},
		{9, "killed by signal 9 (SIGKILL)"},
		{6 | 0x80, "killed by signal 6 (SIGABRT), core dumped"},
		{64, "killed by signal 64"},
	}
	for _, tt := range tests {
		if got := Describe(tt.status); got != tt.want {
			t.Errorf("%#x: got %q, want %q", tt.status, got, tt.want)
		}
	}
}

func TestSplitter(t *testing.T) {
	long := strings.Repeat("x", longestLine)
	tests := []struct {
		name string
		in   []string
		want []string
	}{
		{"whole lines", []string{"a\nb\n"}, []string{"a", "b"}},
		{"in pieces", []string{"a", "b\nc", "\n"}, []string{"ab", "c"}},
		{"blank ones", []string{"\n\r\n \na\r\n"}, []string{"a"}},
		{"too long", []string{long + "yz\n"}, []string{long, "yz"}},
		{"just long enough", []string{long, "\n"}, []string{long}},
		{"unfinished", []string{"a"}, nil},
	}
	for _, tt := range tests {
		var s splitter
		var got []string
		for _, in := range tt.in {
			s.take([]byte(in), func(line string) { got = append(got, line) })
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
