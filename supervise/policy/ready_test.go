package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/notify"
)

func TestReady(t *testing.T) {
	up := func(effects string, h health.State) turn {
		return turn{Event{Kind: Reported, Report: answered(0, 1)}, effects, h}
	}
	said := func(pid int, w notify.Words, effects string, h health.State) turn {
		return turn{Event{Kind: Notified, PID: pid, Said: w}, effects, h}
	}
	started, ready := notify.Words{Started: true}, notify.Words{Ready: true}
	silent := cluster.Report{Answer: cluster.Silent}
	dies := turn{Event{Kind: Exited, PID: 87, Status: 1 << 8, At: time.Second}, "record, order r, sweep up, start", health.Down}
	tests := []struct {
		name, criterion string
		turns           []turn
		cameUp          bool
	}{
		{"listening", config.Listening, []turn{up("record", health.Up), said(87, started, "", health.Up)}, true},
		{"started", config.Started, []turn{up("", health.Starting), said(87, ready, "", health.Starting), said(87, started, "record", health.Up)}, true},
		{"started before it answers", config.Started, []turn{said(87, started, "order w", health.Starting), up("record", health.Up)}, true},
		{"dies in start/2", config.Started, []turn{up("", health.Starting), dies}, false},
		{"notify", config.Notify, []turn{up("", health.Starting), said(87, started, "", health.Starting), said(87, ready, "record", health.Up)}, true},
		{"both at once", config.Notify, []turn{said(87, notify.Words{Started: true, Ready: true}, "order w", health.Starting), up("record", health.Up)}, true},
		{"never says it", config.Notify, []turn{up("", health.Starting), said(87, started, "", health.Starting), up("", health.Starting)}, false},
		{"another's word", config.Notify, []turn{up("", health.Starting), said(88, ready, "", health.Starting), said(0, ready, "", health.Starting)}, false},
		{"the word of a run before", config.Started, []turn{up("", health.Starting), said(87, started, "record", health.Up), dies,
			{Event{Kind: Started, PID: 88}, "record, order r", health.Starting}, said(87, started, "", health.Starting), up("", health.Starting)}, true},
		{"between two runs", config.Started, []turn{dies, said(87, started, "", health.Down), said(0, started, "", health.Down)}, false},
		{"hangs while it starts", config.Started, []turn{up("", health.Starting),
			{Event{Kind: Reported, Report: silent}, "record", health.Hung}, up("record", health.Starting), said(87, started, "record", health.Up)}, true},
		{"is ready while it hangs", config.Started, []turn{up("", health.Starting),
			{Event{Kind: Reported, Report: silent}, "record", health.Hung}, said(87, started, "", health.Hung), up("record", health.Up)}, true},
		{"a peer is missing", config.Started, []turn{{Event{Kind: Reported, Report: answered(1)}, "", health.Starting},
			said(87, started, "record", health.Degraded)}, true},
		{"cannot say it", config.Notify, []turn{up("", health.Starting), {Event{Kind: Unheard}, "record", health.Up}}, true},
		{"cannot say it, and does not answer yet", config.Notify, []turn{{Event{Kind: Unheard}, "order w", health.Starting}, up("record", health.Up)}, true},
	}
	for _, tt := range tests {
		s := State{Policy: policy, Peers: 2, Rand: 1}
		s.Policy.Ready = tt.criterion
		s, _ = Step(s, Event{Kind: Begin})
		s, _ = Step(s, Event{Kind: Started, PID: 87})
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
		if s.CameUp != tt.cameUp {
			t.Errorf("%s: came up: %v", tt.name, s.CameUp)
		}
	}
}

// A release that nobody can ask is up when it said so, however long nothing answers, and
// the watchdog does not wait for a probe.
func TestReadyUnprobed(t *testing.T) {
	for _, tt := range []struct {
		criterion string
		said      notify.Words
		want      health.State
	}{
		{config.Started, notify.Words{Started: true}, health.Up},
		{config.Started, notify.Words{Ready: true}, health.Starting},
		{config.Notify, notify.Words{Ready: true}, health.Up},
	} {
		s := State{Policy: policy, Rand: 1}
		s.Policy.Ready, s.Policy.Unprobed = tt.criterion, true
		s, _ = Step(s, Event{Kind: Begin})
		s, _ = Step(s, Event{Kind: Started, PID: 87})
		s, _ = Step(s, Event{Kind: Notified, PID: 87, Said: tt.said})
		if s.Health() != tt.want {
			t.Errorf("%s, said %+v: %s, want %s", tt.criterion, tt.said, s.Health(), tt.want)
		}
		if ok, why := s.Well(time.Hour, config.ByProbe); !ok {
			t.Errorf("%s: not well: %s", tt.criterion, why)
		}
	}
}

// start_timeout is for the criterion that was chosen, and says what was missing.
func TestNotReadyInTime(t *testing.T) {
	tests := []struct {
		criterion string
		events    []Event
		want      string
	}{
		{config.Listening, nil, "hung: no answer within 5m0s of its start"},
		{config.Started, nil, "hung: not started within 5m0s of its start"},
		{config.Started, []Event{{Kind: Notified, PID: 87, Said: notify.Words{Started: true}}}, "hung: no answer within 5m0s of its start"},
		{config.Started, []Event{{Kind: Reported, Report: answered()}}, "hung: not started within 5m0s of its start"},
		{config.Notify, []Event{{Kind: Reported, Report: answered()}, {Kind: Notified, PID: 87, Said: notify.Words{Started: true}}}, "hung: no READY=1 within 5m0s of its start"},
		{config.Started, []Event{{Kind: Reported, Report: answered()}, {Kind: Notified, PID: 87, Said: notify.Words{Started: true}}}, ""},
		{config.Started, []Event{{Kind: Reported, Report: answered()}, {Kind: Notified, PID: 87, Said: notify.Words{Started: true}}, miss(cluster.Silent)}, ""},
	}
	for _, tt := range tests {
		s := State{Policy: policy, Rand: 1}
		s.Policy.Ready, s.Policy.StartTimeout = tt.criterion, 5*time.Minute
		s, _ = Step(s, Event{Kind: Begin})
		s, _ = Step(s, Event{Kind: Started, PID: 87})
		for _, e := range tt.events {
			s, _ = Step(s, e)
		}
		s, _ = Step(s, Event{Kind: TimeIsUp, Timer: StartTimer, At: 5 * time.Minute})
		if s.Fatal != tt.want {
			t.Errorf("%s, %d events: %q, want %q", tt.criterion, len(tt.events), s.Fatal, tt.want)
		}
	}
}

// What is announced for one end too many is what the ladder does then; for what cannot be
// started at all it is said once.
func TestWhatNextIsTrue(t *testing.T) {
	give := func(action string) Policy {
		return Policy{OnExit: config.Restart, GiveUp: action, Attempts: 3, Window: time.Minute, BackoffFirst: time.Second, BackoffLongest: time.Second, Boots: 3}
	}
	leave := give(config.Reboot)
	leave.Leave = true
	for _, c := range []struct {
		name  string
		s     State
		first string // what follows, at the first failure
		often int    // how often that is said in all
	}{
		{"never ran", State{Policy: give(config.Reboot)}, config.Rescue, 1},
		{"never ran, in a container", State{Policy: leave}, config.PowerOff, 1},
		{"ran", State{Policy: give(config.Reboot), Ran: true}, config.Reboot, 3},
		{"ran, and reboots have not helped", State{Policy: give(config.Reboot), Ran: true, Failed: 2}, config.Rescue, 3},
		{"ran, and came up once", State{Policy: give(config.Reboot), Ran: true, Failed: 2, CameUp: true}, config.Reboot, 3},
		{"ran, and power off is wanted", State{Policy: give(config.PowerOff), Ran: true, Failed: 2}, config.PowerOff, 3},
	} {
		s, said := c.s, 0
		for n := range 4 {
			s.Phase = Running
			effects := s.ended(time.Duration(n)*time.Second, "no release to start")
			text := s.WhatNext(time.Duration(n) * time.Second)
			if strings.HasSuffix(text, " more ends within 1m0s: "+c.first) {
				said++
			} else if strings.Contains(text, "more ends") {
				t.Errorf("%s: %s", c.name, text)
			}
			if stays := s.Phase == GivenUp; n == 3 && stays != (c.first == config.Rescue) {
				t.Errorf("%s: after all %v, %v", c.name, s.Phase, effects)
			}
		}
		if said != c.often {
			t.Errorf("%s: said %d times, want %d", c.name, said, c.often)
		}
	}
}
