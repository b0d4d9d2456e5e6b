package policy

import (
	"time"

	"golang.org/x/sys/unix"
)

// Restart says when a child that has ended is started again.
type Restart string

// The words for it, as in [[service]].
const (
	Always    Restart = "always"
	OnFailure Restart = "on-failure" // another exit status than 0, or a signal
	Never     Restart = "never"      // once each time that it is wanted
	Once      Restart = "once"       // once in a boot, though PID 1 executes itself anew
)

// Ready says when a child is ready for what waits for it.
type Ready string

// The words for it, as in [[service]].
const (
	ReadyStarted Ready = "started" // as soon as it runs
	ReadyNotify  Ready = "notify"  // it said READY=1
	ReadyExit    Ready = "exit"    // it has ended with status 0
)

// ChildPolicy says how a child of PID 1 is kept: all children but the release, of which
// Policy says more, live by it alone.
type ChildPolicy struct {
	Restart        Restart
	BackoffFirst   time.Duration // before the first restart; doubles with each
	BackoffLongest time.Duration
	Window         time.Duration // a run that long begins the back-off anew
	Deadline       time.Duration // for a run; 0: it may take as long as it wants
	StopTimeout    time.Duration // from SIGTERM to SIGKILL; 0: SIGKILL at once
	Linger         bool          // it is not stopped when it is wanted no more
	Ready          Ready         // what makes it ready; empty: nobody asks
	ReadyTimeout   time.Duration // within which it is to be, from when it is wanted
}

// ByHand is what somebody asked for by hand (beaminit service). It counts until the next one.
type ByHand int

// What can be asked for.
const (
	Nothing ByHand = iota
	ToStart
	ToStop
)

// ChildState is what PID 1 knows of a child. StepChild makes a new one from it. Its
// fields have names of their own in what one PID 1 hands to the next.
type ChildState struct {
	PID       int           `json:"pid,omitempty"` // 0: none runs
	Wanted    bool          `json:"wanted,omitempty"`
	Done      bool          `json:"done,omitempty"` // it has ended, and is not started again
	Stopping  bool          `json:"stopping,omitempty"`
	Killed    bool          `json:"killed,omitempty"` // SIGKILL was sent
	Runs      int           `json:"runs,omitempty"`
	StartedAt time.Duration `json:"started,omitempty"`
	Backoff   time.Duration `json:"backoff,omitempty"` // before the restart after the next one
	NextAt    time.Duration `json:"next,omitempty"`    // of the next start, where none runs
	Pause     time.Duration `json:"pause,omitempty"`   // what was decided to pass before it
	DueAt     time.Duration `json:"due,omitempty"`     // when it is to have ended; 0: never
	Late      bool          `json:"late,omitempty"`    // it was killed because of Deadline
	ByHand    ByHand        `json:"by_hand,omitempty"`
	Again     bool          `json:"again,omitempty"` // it was asked for by hand, though it ran once

	Ready   bool          `json:"ready,omitempty"`    // by the criterion of its policy
	Tardy   bool          `json:"tardy,omitempty"`    // it is not, and its time is over or it never will be
	ReadyBy time.Duration `json:"ready_by,omitempty"` // when that is; 0: it is Ready, Tardy, or not wanted
}

// ChildEventKind says what happened to a child.
type ChildEventKind int

// The events of a child.
const (
	ChildWanted     ChildEventKind = iota // Wanted
	ChildStarted                          // PID
	ChildNotStarted                       // it could not be
	ChildExited                           // Status
	ChildTime                             // Next has come
	ChildNotified                         // PID said READY=1
	ChildDone                             // there is nothing to start as long as it is wanted
	ChildRenewed                          // ByHand: another one is to be in its place at once
)

// ChildEvent is one thing that happened, at a time of CLOCK_MONOTONIC.
type ChildEvent struct {
	Kind   ChildEventKind
	At     time.Duration
	Wanted bool
	ByHand bool // somebody asked for it
	PID    int
	Status unix.WaitStatus
}

// ChildEffect is what is to be done about a child: to start it, or to send it a signal.
type ChildEffect struct {
	Start  bool
	Signal unix.Signal
}

// StepChild decides what follows from an event. It is pure.
func StepChild(p ChildPolicy, s ChildState, e ChildEvent) (ChildState, []ChildEffect) {
	effects := s.step(&p, e)
	return s, effects
}

func (s *ChildState) step(p *ChildPolicy, e ChildEvent) []ChildEffect {
	switch e.Kind {
	case ChildRenewed:
		return s.renewed(p, e)
	case ChildDone:
		s.Done = true
	case ChildWanted:
		if e.Wanted && !s.Wanted && (p.Restart != Once || e.ByHand) {
			s.Done, s.Backoff, s.NextAt, s.Again = false, 0, 0, e.ByHand
		}
		s.Wanted = e.Wanted
	case ChildStarted:
		s.PID, s.StartedAt, s.Runs = e.PID, e.At, s.Runs+1
		s.Stopping, s.Killed, s.Late, s.Again, s.DueAt = false, false, false, false, 0
		s.Ready = p.Ready == ReadyStarted
		if p.Deadline > 0 {
			s.DueAt = e.At + p.Deadline
		}
	case ChildNotStarted:
		first := p.BackoffFirst
		if first == 0 { // what cannot be started now cannot a moment later
			first = time.Second
		}
		s.pause(first, p.BackoffLongest, e.At)
	case ChildExited:
		s.exited(p, e)
	case ChildNotified:
		s.Ready = s.Ready || p.Ready == ReadyNotify && e.PID == s.PID && s.PID != 0
	}
	s.awaitReady(p, e.At)
	return s.follow(p, e.At)
}

// renewed ends a child, though it may linger, and wants it anew.
func (s *ChildState) renewed(p *ChildPolicy, e ChildEvent) []ChildEffect {
	ends := *p
	ends.Linger = false
	effects := s.step(&ends, ChildEvent{Kind: ChildWanted, At: e.At})
	return append(effects, s.step(p, ChildEvent{Kind: ChildWanted, At: e.At, Wanted: true, ByHand: e.ByHand})...)
}

// Suspended moves all times by which a child is judged: for so long nothing ran.
func (s *ChildState) Suspended(span time.Duration) {
	for _, at := range []*time.Duration{&s.DueAt, &s.ReadyBy} {
		if *at != 0 {
			*at += span
		}
	}
}

// awaitReady keeps the time within which a child is to be ready.
func (s *ChildState) awaitReady(p *ChildPolicy, at time.Duration) {
	switch {
	case p.Ready == "":
	case s.Ready, !s.Wanted:
		s.Tardy, s.ReadyBy = false, 0
	case s.Tardy:
	case s.ReadyBy == 0 && !s.Done:
		s.ReadyBy = at + p.ReadyTimeout
	case s.Done || at >= s.ReadyBy:
		s.Tardy, s.ReadyBy = true, 0
	}
}

func (s *ChildState) exited(p *ChildPolicy, e ChildEvent) {
	failed := e.Status != 0
	s.PID, s.DueAt = 0, 0
	s.Ready = !failed && (s.Ready || p.Ready == ReadyExit)
	switch {
	case s.Stopping: // it was to end; where it is wanted again, that is at once
		s.Stopping, s.Backoff, s.NextAt = false, 0, e.At
		s.Done, s.Again = p.Restart == Once && !s.Again, false
		return
	case p.Restart == Always, p.Restart == OnFailure && failed:
	default:
		s.Done = true
		return
	}
	if p.Window > 0 && e.At-s.StartedAt >= p.Window {
		s.Backoff = 0
	}
	s.pause(p.BackoffFirst, p.BackoffLongest, e.At)
}

// pause puts off the next start; the pause doubles.
func (s *ChildState) pause(first, longest, at time.Duration) {
	s.Pause = max(s.Backoff, first)
	s.NextAt, s.Backoff = at+s.Pause, min(2*s.Pause, max(longest, first))
}

// follow does what is due.
func (s *ChildState) follow(p *ChildPolicy, at time.Duration) []ChildEffect {
	switch {
	case s.PID == 0:
		if s.Wanted && !s.Done && at >= s.NextAt {
			return []ChildEffect{{Start: true}}
		}
	case !s.Wanted && !s.Stopping && !p.Linger:
		s.Stopping = true
		if p.StopTimeout > 0 {
			s.DueAt = at + p.StopTimeout
			return []ChildEffect{{Signal: unix.SIGTERM}}
		}
		return s.kill()
	case s.DueAt != 0 && at >= s.DueAt && !s.Killed:
		s.Late = !s.Stopping
		return s.kill()
	}
	return nil
}

func (s *ChildState) kill() []ChildEffect {
	s.Killed, s.DueAt = true, 0
	return []ChildEffect{{Signal: unix.SIGKILL}}
}

// Next is when ChildTime is due; 0: not without another event.
func (s *ChildState) Next() (at time.Duration) {
	switch {
	case s.PID != 0:
		at = s.DueAt
	case s.Wanted && !s.Done:
		at = s.NextAt
	}
	if s.ReadyBy != 0 && (at == 0 || s.ReadyBy < at) {
		return s.ReadyBy
	}
	return at
}
