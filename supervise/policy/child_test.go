package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childLife plays events on a child, a second apart, and gives what follows from each.
func childLife(p ChildPolicy, events ...ChildEvent) (effects []string, s ChildState) {
	for i, e := range events {
		e.At = time.Duration(i+1) * time.Second
		var list []ChildEffect
		s, list = StepChild(p, s, e)
		words := []string{}
		for _, f := range list {
			if f.Start {
				words = append(words, "start")
			} else {
				words = append(words, unix.SignalName(f.Signal))
			}
		}
		if next := s.Next(); next > e.At {
			words = append(words, fmt.Sprintf("in %v", next-e.At))
			if s.PID == 0 && s.Pause != next-e.At {
				words = append(words, fmt.Sprintf("not %v", s.Pause))
			}
		}
		effects = append(effects, strings.Join(words, " "))
	}
	return effects, s
}

func TestStepChild(t *testing.T) {
	wanted, unwanted := ChildEvent{Kind: ChildWanted, Wanted: true}, ChildEvent{Kind: ChildWanted}
	byHand := ChildEvent{Kind: ChildWanted, Wanted: true, ByHand: true}
	started, refused, tick := ChildEvent{Kind: ChildStarted, PID: 7}, ChildEvent{Kind: ChildNotStarted}, ChildEvent{Kind: ChildTime}
	ends := func(s unix.WaitStatus) ChildEvent { return ChildEvent{Kind: ChildExited, Status: s} }
	always := ChildPolicy{Restart: Always, BackoffFirst: 100 * time.Millisecond, BackoffLongest: 3 * time.Second, Window: time.Minute}
	with := func(change func(*ChildPolicy)) ChildPolicy {
		p := always
		change(&p)
		return p
	}
	tests := []struct {
		name   string
		policy ChildPolicy
		events []ChildEvent
		want   string
	}{
		{"nobody wants it", always, []ChildEvent{tick, unwanted}, "; "},
		{"back-off", always, []ChildEvent{wanted, started, ends(0), tick, started, ends(9), tick, started, ends(9)},
			"start; ; in 100ms; start; ; in 200ms; start; ; in 400ms"},
		{"the longest back-off", with(func(p *ChildPolicy) { p.BackoffLongest = 150 * time.Millisecond }),
			[]ChildEvent{wanted, refused, tick, refused, tick, refused}, "start; in 100ms; start; in 150ms; start; in 150ms"},
		{"once", with(func(p *ChildPolicy) { p.Restart = Once }), []ChildEvent{wanted, started, ends(0), unwanted, wanted}, "start; ; ; ; "},
		{"once, and by hand", with(func(p *ChildPolicy) { p.Restart = Once }), []ChildEvent{wanted, started, ends(0), unwanted, byHand, started, ends(0), tick}, "start; ; ; ; start; ; ; "},
		{"once, and by hand while it runs", with(func(p *ChildPolicy) { p.Restart = Once }), []ChildEvent{wanted, started, unwanted, byHand, ends(0), started, unwanted, ends(0), wanted}, "start; ; SIGKILL; ; start; ; SIGKILL; ; "},
		{"a good run", with(func(p *ChildPolicy) { p.Window = time.Second }),
			[]ChildEvent{wanted, refused, tick, started, ends(9)}, "start; in 100ms; start; ; in 100ms"},
		{"cannot be started", always, []ChildEvent{wanted, refused, tick}, "start; in 100ms; start"},
		{"on failure, fails", with(func(p *ChildPolicy) { p.Restart = OnFailure }), []ChildEvent{wanted, started, ends(9), tick}, "start; ; in 100ms; start"},
		{"on failure, does not", with(func(p *ChildPolicy) { p.Restart = OnFailure }), []ChildEvent{wanted, started, ends(0), tick}, "start; ; ; "},
		{"never", with(func(p *ChildPolicy) { p.Restart = Never }), []ChildEvent{wanted, started, ends(9), tick, unwanted, wanted}, "start; ; ; ; ; start"},
		{"once", with(func(p *ChildPolicy) { p.Restart = Once }), []ChildEvent{wanted, started, ends(9), tick, unwanted, wanted}, "start; ; ; ; ; "},
		{"is stopped", with(func(p *ChildPolicy) { p.StopTimeout = 2 * time.Second }), []ChildEvent{wanted, started, unwanted, ends(0), tick},
			"start; ; SIGTERM in 2s; ; "},
		{"does not stop", with(func(p *ChildPolicy) { p.StopTimeout = 2 * time.Second }), []ChildEvent{wanted, started, unwanted, tick, tick, tick, ends(9)},
			"start; ; SIGTERM in 2s; in 1s; SIGKILL; ; "},
		{"is stopped at once", always, []ChildEvent{wanted, started, unwanted, ends(9)}, "start; ; SIGKILL; "},
		{"is restarted", with(func(p *ChildPolicy) { p.StopTimeout = 2 * time.Second }), []ChildEvent{wanted, started, unwanted, wanted, ends(0)},
			"start; ; SIGTERM in 2s; in 1s; start"},
		{"lingers", with(func(p *ChildPolicy) { p.Linger = true }), []ChildEvent{wanted, started, unwanted, ends(9), tick, wanted}, "start; ; ; ; ; start"},
		{"takes too long", with(func(p *ChildPolicy) { p.Restart, p.Deadline = Never, 2*time.Second }), []ChildEvent{wanted, started, tick, tick, ends(9), tick},
			"start; in 2s; in 1s; SIGKILL; ; "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := childLife(tt.policy, tt.events...)
			if text := strings.Join(got, "; "); text != tt.want {
				t.Errorf("got  %q\nwant %q", text, tt.want)
			}
		})
	}
}

// When a child is ready, by each of the words for it, and when its time to be is over.
func TestChildReady(t *testing.T) {
	wanted, started, refused, tick := ChildEvent{Kind: ChildWanted, Wanted: true}, ChildEvent{Kind: ChildStarted, PID: 7}, ChildEvent{Kind: ChildNotStarted}, ChildEvent{Kind: ChildTime}
	says, other := ChildEvent{Kind: ChildNotified, PID: 7}, ChildEvent{Kind: ChildNotified, PID: 8}
	ends := func(s unix.WaitStatus) ChildEvent { return ChildEvent{Kind: ChildExited, Status: s} }
	tests := []struct {
		name    string
		ready   Ready
		restart Restart
		events  []ChildEvent
		want    string
	}{
		{"nobody asks", "", Always, []ChildEvent{wanted, started, tick, tick, tick, tick}, ""},
		{"it runs", ReadyStarted, Always, []ChildEvent{wanted, started}, "ready"},
		{"it cannot be started", ReadyStarted, Always, []ChildEvent{wanted, refused}, "awaited"},
		{"and its time is over", ReadyStarted, Always, []ChildEvent{wanted, refused, tick, tick}, "tardy"},
		{"and then it can", ReadyStarted, Always, []ChildEvent{wanted, refused, tick, tick, started}, "ready"},
		{"it runs and says nothing", ReadyNotify, Always, []ChildEvent{wanted, started}, "awaited"},
		{"it says so", ReadyNotify, Always, []ChildEvent{wanted, started, says}, "ready"},
		{"another says so", ReadyNotify, Always, []ChildEvent{wanted, started, other}, "awaited"},
		{"it says so where nobody asks for that", ReadyExit, Always, []ChildEvent{wanted, started, says}, "awaited"},
		{"late, and then it says so", ReadyNotify, Always, []ChildEvent{wanted, started, tick, tick, says}, "ready"},
		{"a restart is no more time", ReadyNotify, Always, []ChildEvent{wanted, started, ends(9), started}, "tardy"},
		{"one that was ready has it anew", ReadyNotify, Always, []ChildEvent{wanted, started, says, ends(9), started, tick}, "awaited"},
		{"it ends", ReadyExit, Once, []ChildEvent{wanted, started, ends(0), tick, tick}, "ready"},
		{"it fails", ReadyExit, Once, []ChildEvent{wanted, started, ends(9)}, "tardy"},
		{"it fails, and is tried again", ReadyExit, OnFailure, []ChildEvent{wanted, started, ends(9)}, "awaited"},
		{"it ends without a word", ReadyNotify, Never, []ChildEvent{wanted, started, ends(0)}, "tardy"},
		{"nobody wants it any more", ReadyNotify, Always, []ChildEvent{wanted, started, {Kind: ChildWanted}, tick, tick, tick}, ""},
	}
	for _, tt := range tests {
		_, s := childLife(ChildPolicy{Restart: tt.restart, Ready: tt.ready, ReadyTimeout: 2500 * time.Millisecond, BackoffFirst: time.Hour, BackoffLongest: time.Hour}, tt.events...)
		words := []string{}
		for _, w := range []struct {
			is   bool
			word string
		}{{s.Ready, "ready"}, {s.Tardy, "tardy"}, {s.ReadyBy != 0, "awaited"}} {
			if w.is {
				words = append(words, w.word)
			}
		}
		if got := strings.Join(words, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A child that could not be started is not tried again at once, whatever its policy says of a
// pause: PID 1 would do nothing else, and end in the depth of it.
func TestNotStartedIsNotTriedAtOnce(t *testing.T) {
	p := ChildPolicy{Restart: Never}
	s, effects := StepChild(p, ChildState{}, ChildEvent{Kind: ChildWanted, Wanted: true, At: 5})
	if len(effects) != 1 || !effects[0].Start {
		t.Fatalf("wanted: %+v, want a start", effects)
	}
	s, effects = StepChild(p, s, ChildEvent{Kind: ChildNotStarted, At: 5})
	if len(effects) != 0 || s.Next() <= 5 {
		t.Errorf("not started: %+v, again at %v; want a pause", effects, s.Next())
	}
}

// Another one takes the place of a child at once, whether it lingers, is stopped already, waits
// for its next start, or runs no more.
func TestRenewed(t *testing.T) {
	tests := []struct {
		name   string
		policy ChildPolicy
		state  ChildState
		want   string
	}{
		{"it lingers", ChildPolicy{Linger: true}, ChildState{PID: 7, Wanted: true}, "killed"},
		{"it may take its time", ChildPolicy{StopTimeout: time.Second}, ChildState{PID: 7, Wanted: true}, "terminated"},
		{"it is being stopped", ChildPolicy{StopTimeout: time.Second}, ChildState{PID: 7, Stopping: true}, ""},
		{"it waits", ChildPolicy{BackoffFirst: time.Second}, ChildState{Wanted: true, NextAt: time.Hour}, "start"},
		{"it is done", ChildPolicy{Restart: Never}, ChildState{Wanted: true, Done: true}, "start"},
	}
	for _, tt := range tests {
		s, effects := StepChild(tt.policy, tt.state, ChildEvent{Kind: ChildRenewed, At: 5})
		got := ""
		for _, e := range effects {
			got += map[ChildEffect]string{{Start: true}: "start", {Signal: unix.SIGTERM}: "terminated", {Signal: unix.SIGKILL}: "killed"}[e]
		}
		if got != tt.want || !s.Wanted || s.PID != 0 && !s.Stopping {
			t.Errorf("%s: %q, %+v; want %q, and that it is wanted anew", tt.name, got, s, tt.want)
		}
	}
}
