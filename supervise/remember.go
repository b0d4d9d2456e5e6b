package supervise

import (
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/handover"
	"github.com/beaminit/beaminit/supervise/policy"
)

// History is how it is kept what this boot will be known by, and what is to outlive it.
type History struct {
	Remember func(history.Entry)            // keeps an entry, and never waits
	Keep     func(guard func())             // begins to write them, on a goroutine with guard deferred
	Flush    func(limit time.Duration) bool // waits until they are written
	Save     func() []error                 // called after the start and every hour, on a goroutine of its own
	StateDir func() string                  // of what outlives a reboot, for the next PID 1; empty: there is none

	Failed   int                 // boots in a row before this one that did not come up
	FellBack bool                // and Node.Fallback was run after the last that did
	Boots    <-chan policy.Event // Remembered, once all is known of them
}

// remember has an entry kept, with what all of them have.
func (l *Loop) remember(e history.Entry) {
	e.Boot, e.At, e.Up = l.Boot, time.Now().Unix(), clock.Uptime()
	l.History.Remember(e)
}

// rememberEnd is called before Step takes the end of a run, while the state still has it.
func (l *Loop) rememberEnd(e history.Entry) {
	s := &l.state
	e.Kind, e.PID, e.Restarts = history.End, s.PID, s.Restarts
	if s.PID != 0 {
		e.Ran = now() - s.StartedAt
	}
	l.remember(e)
}

// rememberChange looks at what an event made of the state.
func (l *Loop) rememberChange(was policy.State, e policy.Event) {
	switch s := &l.state; {
	case e.Kind == policy.DownAsked: // see rememberDown
	case s.CameUp && !was.CameUp:
		l.remember(history.Entry{Kind: history.Up, PID: s.PID, Ran: now() - s.StartedAt, Restarts: s.Restarts})
	case s.Trial == policy.Rejecting && was.Trial != policy.Rejecting:
		l.remember(history.Entry{Kind: history.Fallback, Restarts: s.Restarts, Why: l.system() + " is given up: " + s.Why})
	case s.Trial == policy.Confirmed && was.Trial == policy.Confirming:
		l.remember(history.Entry{Kind: history.Confirm, PID: s.PID, Why: l.system() + " is confirmed"})
	case s.Phase == policy.FallingBack && was.Phase != policy.FallingBack:
		l.remember(history.Entry{Kind: history.Fallback, Restarts: s.Restarts, Why: s.Why})
	case s.Phase == policy.GivenUp && was.Phase != policy.GivenUp:
		l.remember(history.Entry{Kind: history.Rescue, Restarts: s.Restarts, Why: s.Why})
	}
}

// rememberService remembers that a service failed: of several times in a row the first, or it
// alone would fill the history.
func (l *Loop) rememberService(c *children.Entry) {
	if c.State.Pause <= c.Policy.BackoffFirst {
		l.remember(history.Entry{Kind: history.Note, Why: c.EndText()})
	}
}

// rememberDown is called when nothing of the release runs any more.
func (l *Loop) rememberDown() {
	s := &l.state
	why := s.Why
	if action := string(s.Action); !strings.HasPrefix(why, action) {
		why = action + ": " + why
	}
	l.remember(history.Entry{Kind: history.Down, Restarts: s.Restarts, Asked: l.downAsked, Why: why})
}

// rememberCrash is called by the PID 1 that took over from one that fell.
func (l *Loop) rememberCrash(r *handover.Document) {
	if r.From != "" {
		why := "reexec: beaminit " + r.From + " became " + l.Version
		l.remember(history.Entry{Kind: history.Note, PID: r.State.PID, Restarts: r.State.Restarts, Why: why})
	}
	if r.Why == "" {
		return
	}
	e := history.Entry{Kind: history.Fall, PID: r.State.PID, Restarts: r.State.Restarts, Why: r.Why}
	l.remember(e)
	if len(r.Crashes) >= handover.MaxCrashes {
		e.Kind, e.Why = history.Rescue, "PID 1 fell "+strconv.Itoa(len(r.Crashes))+" times within "+handover.CrashWindow.String()
		l.remember(e)
	}
}

// startHistory begins to write what is to be remembered. Should that be what makes PID 1
// fall again and again, it ends there and PID 1 stays.
func (l *Loop) startHistory() {
	l.History.Keep(func() {
		v := recover()
		if v != nil && len(l.crashes) >= handover.MaxCrashes {
			l.logPanic(v)
			return
		}
		l.crashed(v)
	})
}
