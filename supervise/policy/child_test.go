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
