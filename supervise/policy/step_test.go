package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/cluster"
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
		return "timer " + e.Timer.String()
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

func answered(peers ...int) cluster.Report {
	r := cluster.Report{Answer: cluster.Answered, Known: true, Took: time.Millisecond}
	for _, p := range peers {
		for len(r.Peers) <= p {
			r.Peers = append(r.Peers, cluster.Unreachable)
		}
		r.Peers[p] = cluster.Connected
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

func asks(then PendingAction, effects string, h health.State) turn {
	return turn{Event{Kind: ReleaseAsked, Pending: then, Text: "asked for " + string(rune('0'+then))}, effects, h}
}

func TestStep(t *testing.T) {
	begin := turn{Event{Kind: Begin}, "start", health.Booting}
	started := turn{Event{Kind: Started, PID: 87}, "record, order w, timer well", health.Starting}
	again := turn{Event{Kind: Started, PID: 87}, "record, order w", health.Starting} // after it was up
	up := turn{Event{Kind: Reported, Report: answered(0, 1)}, "record", health.Up}
	dies := turn{Event{Kind: Exited, PID: 87, Status: killed, At: time.Second}, "record, order r, sweep up, start", health.Down}
	diesAgain := turn{Event{Kind: Exited, PID: 87, Status: killed, At: time.Second}, "record, order r, sweep up, timer restart", health.Down}
	endsWith := func(status unix.WaitStatus, effects string, h health.State) turn {
		return turn{Event{Kind: Exited, PID: 87, Status: status, At: time.Second}, effects, h}
	}
	reboots := "record, order r, sweep up, finish"
	rescue := "record, order r, sweep up"
	falls := rescue
	over := func(how, effects string, h health.State) turn {
		return turn{Event{Kind: FellBack, Text: how}, effects, h}
	}
	loops := func(p *Policy) { p.Attempts, p.Boots = 0, 3 }
	failed := func(n int) turn { return turn{Event{Kind: Remembered, Failed: n}, "", health.Booting} }
	tests := []struct {
		name   string
		policy func(*Policy)
		turns  []turn
	}{
		{"a good life", nil, []turn{begin, started,
			{Event{Kind: Reported, Report: cluster.Report{Answer: cluster.Refused}}, "", health.Starting},
			{Event{Kind: Reported, Report: answered(1)}, "record", health.Degraded},
			up, {Event{Kind: Reported, Report: answered(0, 1)}, "", health.Up},
			{Event{Kind: Reported, Report: answered(0)}, "record", health.Degraded},
			up}},
		{"killed and started again at once, then after a pause", nil, []turn{begin, started, up, dies, again, diesAgain,
			{Event{Kind: TimeIsUp, Timer: RestartTimer}, "start", health.Down},
			again, up}},
		{"at once again after a good run", nil, []turn{begin, started, up, dies, again,
			{Event{Kind: Exited, PID: 87, Status: killed, At: time.Minute}, "record, order r, sweep up, start", health.Down}}},
		{"hangs and comes back", nil, []turn{begin, started, up,
			{Event{Kind: Reported, Report: cluster.Report{Answer: cluster.Silent}}, "record", health.Hung},
			{Event{Kind: Reported, Report: cluster.Report{Answer: cluster.Silent}}, "", health.Hung},
			up}},
		{"slow to start is not hung", nil, []turn{begin, started,
			{Event{Kind: Reported, Report: cluster.Report{Answer: cluster.Silent}}, "", health.Starting}}},
		{"another's exit", nil, []turn{begin, started, {Event{Kind: Exited, PID: 3, Status: killed}, "", health.Starting}}},
		{"a report that comes late", nil, []turn{begin, started, up, dies, {Event{Kind: Reported, Report: answered(0)}, "", health.Down}}},
		{"stop", nil, []turn{begin, started, up,
			{Event{Kind: DownAsked, Action: "poweroff"}, "record, kill -SIGTERM, timer stop", health.Stopping},
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, finish", health.Stopping}}},
		{"restart", nil, []turn{begin, started, up, asks(StartPending, "record, kill -SIGTERM, timer stop", health.Stopping),
			{Event{Kind: Reported, Report: answered(0, 1)}, "", health.Stopping},
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, start", health.Down}, again, up}},
		{"restart a release that hangs", nil, []turn{begin, started, up, asks(StartPending, "record, kill -SIGTERM, timer stop", health.Stopping),
			{Event{Kind: TimeIsUp, Timer: StopTimer}, "kill -SIGKILL, timer stop", health.Stopping},
			{Event{Kind: TimeIsUp, Timer: StopTimer}, "record", health.Stopping}, // SIGKILL does not end it: the watchdog's case
			{Event{Kind: TimeIsUp, Timer: StopTimer}, "", health.Stopping},
			{Event{Kind: Exited, PID: 87, Status: killed}, "record, order r, sweep up, start", health.Down}, again}},
		{"restart at once, between two runs", nil, []turn{begin, started, up, dies, asks(StartPending, "record, start", health.Down), again,
			{Event{Kind: TimeIsUp, Timer: RestartTimer}, "", health.Starting}}},
		{"restart before the network is there", nil, []turn{asks(StartPending, "record, start", health.Down), started, {Event{Kind: Begin}, "", health.Starting}}},
		{"restart that cannot start", nil, []turn{begin, started, up, asks(StartPending, "record, kill -SIGTERM, timer stop", health.Stopping),
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, start", health.Down},
			{Event{Kind: StartFailed, Text: "no"}, "record, timer restart", health.Down}}},
		{"stop, and on again", func(p *Policy) { p.OnExit = "reboot" }, []turn{begin, started, up, asks(StopPending, "record, kill -SIGTERM, timer stop", health.Stopping),
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up", health.Rescue},
			{Event{Kind: Begin}, "", health.Rescue}, {Event{Kind: TimeIsUp, Timer: RestartTimer}, "", health.Rescue},
			asks(StopPending, "", health.Rescue), asks(StartPending, "record, start", health.Down), again, up}},
		{"rescue", nil, []turn{begin, started, up, asks(KillPending, "record, kill -SIGKILL, timer stop", health.Stopping),
			{Event{Kind: Exited, PID: 87, Status: killed}, "record, order r, sweep up", health.Rescue}}},
		{"one thing after the other is asked for", nil, []turn{begin, started, up, asks(StartPending, "record, kill -SIGTERM, timer stop", health.Stopping),
			asks(StopPending, "record", health.Stopping), asks(KillPending, "record, kill -SIGKILL, timer stop", health.Stopping), asks(KillPending, "", health.Stopping),
			{Event{Kind: Exited, PID: 87, Status: killed}, "record, order r, sweep up", health.Rescue}}},
		{"the node goes down while it stops the release", nil, []turn{begin, started, up, asks(StartPending, "record, kill -SIGTERM, timer stop", health.Stopping),
			{Event{Kind: DownAsked, Action: "reboot", Text: "reboot"}, "record, kill -SIGTERM, timer stop", health.Stopping},
			asks(StopPending, "", health.Stopping),
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, finish", health.Stopping}}},
		{"stop a release that does not want to", nil, []turn{begin, started, up,
			{Event{Kind: DownAsked, Action: "halt"}, "record, kill -SIGTERM, timer stop", health.Stopping},
			{Event{Kind: DownAsked, Action: "reboot"}, "", health.Stopping},
			{Event{Kind: TimeIsUp, Timer: StopTimer}, "kill -SIGKILL, timer stop", health.Stopping},
			{Event{Kind: TimeIsUp, Timer: StopTimer}, "finish", health.Stopping}}},
		{"stop between two runs", nil, []turn{begin, started, up, dies,
			{Event{Kind: DownAsked, Action: "reboot"}, "record, finish", health.Stopping}}},
		{"stop while the network is awaited", nil, []turn{
			{Event{Kind: DownAsked, Action: "reboot"}, "record, finish", health.Stopping}}},
		{"the network never comes", nil, []turn{{Event{Kind: TimeIsUp, Timer: NetworkTimer}, "start", health.Booting}, started,
			{Event{Kind: Begin}, "", health.Starting}}},
		{"no release", nil, []turn{{Event{Kind: NoRelease, Text: "none in /srv/erlang"}, "record", health.Rescue},
			{Event{Kind: Begin}, "", health.Rescue},
			{Event{Kind: DownAsked, Action: "reboot"}, "record, finish", health.Stopping}}},
		{"cannot be started", nil, []turn{begin, {Event{Kind: StartFailed, Text: "fork: no memory"}, "record, timer restart", health.Down}}},
		{"can never be started", func(p *Policy) { p.Attempts = 0 }, []turn{begin, {Event{Kind: StartFailed, Text: "no space"}, "record", health.Rescue}}},
		{"on_exit = reboot", func(p *Policy) { p.OnExit = "reboot" }, []turn{begin, started, up,
			{Event{Kind: Exited, PID: 87}, "record, order r, sweep up, finish", health.Stopping}}},
		{"gives up", func(p *Policy) { p.Attempts = 1; p.GiveUp = "rescue" }, []turn{begin, started, dies,
			started, {Event{Kind: Exited, PID: 87, Status: killed, At: 2 * time.Second}, rescue, health.Rescue}}},
		{"gives up and reboots", func(p *Policy) { p.Attempts = 0 }, []turn{begin, started,
			{Event{Kind: Exited, PID: 87, Status: killed}, "record, order r, sweep up, finish", health.Stopping}}},

		{"exit_ok", func(p *Policy) { p.ExitOK = []int{0, 3} }, []turn{begin, started, up,
			endsWith(3<<8, rescue, health.Down),
			{Event{Kind: TimeIsUp, Timer: RestartTimer}, "", health.Down},
			{Event{Kind: DownAsked, Action: "reboot"}, "record, finish", health.Stopping}}},
		{"exit_ok, another status", func(p *Policy) { p.ExitOK = []int{3} }, []turn{begin, started, up, endsWith(0, rescue+", start", health.Down)}},
		{"exit_ok is of no signal", func(p *Policy) { p.ExitOK = []int{0, 9} }, []turn{begin, started, up, endsWith(killed, rescue+", start", health.Down)}},
		{"exit_ok before on_exit", func(p *Policy) { p.ExitOK, p.OnExit = []int{0}, "reboot" }, []turn{begin, started, up, endsWith(0, rescue, health.Down)}},
		{"exit_ok on the way down", func(p *Policy) { p.ExitOK = []int{0} }, []turn{begin, started, up,
			{Event{Kind: DownAsked, Action: "halt"}, "record, kill -SIGTERM, timer stop", health.Stopping}, endsWith(0, reboots, health.Stopping)}},

		{"a loop of boots is broken", loops, []turn{failed(2), begin, started, endsWith(killed, rescue, health.Rescue)}},
		{"but not before that", loops, []turn{failed(1), begin, started, endsWith(killed, reboots, health.Stopping)}},
		{"nor where it came up", loops, []turn{failed(9), begin, started, up, endsWith(killed, reboots, health.Stopping)}},
		{"nor where it ran well and has nothing to answer", loops, []turn{failed(9), begin, started,
			{Event{Kind: TimeIsUp, Timer: WellTimer, At: time.Minute}, "", health.Starting}, endsWith(killed, reboots, health.Stopping)}},
		{"a timer of a run before", loops, []turn{failed(9), begin, {Event{Kind: Started, PID: 87, At: time.Second}, "record, order w, timer well", health.Starting},
			{Event{Kind: TimeIsUp, Timer: WellTimer, At: time.Minute}, "", health.Starting}, endsWith(killed, rescue, health.Rescue)}},
		{"boots = 0", func(p *Policy) { p.Attempts = 0 }, []turn{failed(999), begin, started, endsWith(killed, reboots, health.Stopping)}},
		{"power off is no loop", func(p *Policy) { loops(p); p.GiveUp = "poweroff" }, []turn{failed(9), begin, started, endsWith(killed, reboots, health.Stopping)}},
		{"on_exit = reboot loops too", func(p *Policy) { loops(p); p.OnExit = "reboot" }, []turn{failed(2), begin, started, endsWith(killed, rescue, health.Rescue)}},

		{"fallback before rescue", func(p *Policy) { p.Attempts, p.GiveUp, p.Fallback = 0, "rescue", true }, []turn{begin, started,
			endsWith(killed, falls, health.Rescue), over("", "record, finish", health.Stopping)}},
		{"fallback that fails", func(p *Policy) { loops(p); p.Fallback = true }, []turn{failed(2), begin, started,
			endsWith(killed, falls, health.Rescue), over("exit status 1", "record", health.Rescue), over("", "", health.Rescue)}},
		{"fallback that is over too late", func(p *Policy) { loops(p); p.Fallback = true }, []turn{failed(2), begin, started,
			endsWith(killed, falls, health.Rescue),
			{Event{Kind: ReleaseAsked, Pending: StartPending, Text: "asked"}, "record, start", health.Down},
			over("killed by signal 15 (SIGTERM)", "", health.Down), over("", "", health.Down)}},
		{"fallback, once", func(p *Policy) { loops(p); p.Fallback = true }, []turn{
			{Event{Kind: Remembered, Failed: 2, FellBack: true}, "", health.Booting}, begin, started, endsWith(killed, rescue, health.Rescue)}},
		{"fallback without a release", func(p *Policy) { p.Fallback = true }, []turn{
			{Event{Kind: NoRelease, Text: "none"}, "record", health.Rescue},
			{Event{Kind: DownAsked, Action: "reboot"}, "record, finish", health.Stopping}}},
		{"reboot comes before fallback", func(p *Policy) { loops(p); p.Fallback = true }, []turn{begin, started, endsWith(killed, reboots, health.Stopping)}},
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
	want := []time.Duration{0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}
	for i, w := range want {
		s, _ = Step(s, Event{Kind: Started, PID: 9, At: at})
		at += time.Second
		s, _ = Step(s, Event{Kind: Exited, PID: 9, At: at})
		w *= time.Millisecond
		if got := s.NextAt - at; got < w*3/4 || got > w*5/4 || s.Phase != Between {
			t.Errorf("restart %d: after %v, want %v and a quarter around it", i, got, w)
		}
		at = s.NextAt
	}
	for i, w := range []time.Duration{0, policy.BackoffFirst} {
		s, _ = Step(s, Event{Kind: Started, PID: 9, At: at})
		if i == 0 {
			at += policy.Window
		}
		s, _ = Step(s, Event{Kind: Exited, PID: 9, At: at})
		if got := s.NextAt - at; got < w*3/4 || got > w*5/4 {
			t.Errorf("end %d after a good run: pause of %v, want %v", i, got, w)
		}
	}
}

// The reasons are what a person reads first.
func TestWhy(t *testing.T) {
	run := func(p func(*Policy), events ...Event) string {
		s := State{Policy: policy, Rand: 1}
		p(&s.Policy)
		for _, e := range events {
			s, _ = Step(s, e)
		}
		return s.Why
	}
	started, ends := Event{Kind: Started, PID: 9}, Event{Kind: Exited, PID: 9, Status: 1 << 8, Text: "exit status 1: init terminating in do_boot"}
	failed := Event{Kind: Remembered, Failed: 4}
	tests := []struct {
		policy func(*Policy)
		events []Event
		want   string
	}{
		{func(*Policy) {}, []Event{started, ends}, "exit status 1: init terminating in do_boot"},
		{func(p *Policy) { p.ExitOK = []int{1} }, []Event{started, ends}, "ended on purpose: exit status 1: init terminating in do_boot"},
		{func(p *Policy) { p.Attempts, p.GiveUp = 1, "rescue" }, []Event{started, ends, started, ends},
			"gave up after 2 ends within 1m0s: exit status 1: init terminating in do_boot"},
		{func(p *Policy) { p.Attempts, p.Boots = 0, 5 }, []Event{failed, started, ends},
			"5 boots in a row did not come up: gave up after 1 ends within 1m0s: exit status 1: init terminating in do_boot"},
		{func(p *Policy) { p.Attempts, p.Boots, p.Fallback = 0, 5, true }, []Event{failed, started, {Kind: Exited, PID: 9, Status: killed},
			{Kind: FellBack, Text: "exit status 2"}},
			"5 boots in a row did not come up: gave up after 1 ends within 1m0s: killed by signal 9 (SIGKILL); fallback_exec: exit status 2"},
	}
	for _, tt := range tests {
		if got := run(tt.policy, tt.events...); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
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
