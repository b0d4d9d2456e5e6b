// Package policy decides what follows from what happens to the release: it starts, answers
// or does not, ends, is asked to stop. Step is pure: a state and an event give the next
// state and the effects that are wanted. Who performs them is package supervise. The
// states and their transitions are those of Phase, the timers those of Timer.
package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/heart"
	"github.com/beaminit/beaminit/supervise/notify"
	"golang.org/x/sys/unix"
)

// Action is how a node ends: config.Reboot, config.PowerOff or config.Halt.
type Action string

// Policy says when the release is started again.
type Policy struct {
	OnExit         string        // what follows an exit: restart, reboot, poweroff, halt
	BackoffFirst   time.Duration // before the first restart; doubles with each
	BackoffLongest time.Duration
	Attempts       int           // restarts within Window before GiveUp
	Window         time.Duration // also the run after which the back-off begins anew
	GiveUp         string        // reboot, rescue, poweroff, halt
	StopTimeout    time.Duration // from SIGTERM to SIGKILL
	ExitOK         []int         // exit statuses with which the release ends on purpose
	Boots          int           // in a row that did not come up before the node stays; 0: never
	Fallback       bool          // there is a command to run once before rescue
	Leave          bool          // the node ends where it would stay without a release that nobody can look for in it (a container)

	ProbeInterval time.Duration // of the monitor
	ProbeTimeout  time.Duration
	ProbeFailures int           // in a row, after which a release that had answered is killed; 0: never
	StartTimeout  time.Duration // within which it has to be ready; 0: no limit
	Ready         string        // what makes it so: config.Listening, Started or Notify
	Unprobed      bool          // nobody can ask whether it answers: it need not
	DumpTimeout   time.Duration // for its crash dump, before SIGKILL

	After, Within time.Duration // a system on trial has to be up for After, Within of the boot
	WithPeers     bool          // and connected to all of them
}

// Phase is where the life of the release stands.
type Phase int

// The phases.
const (
	Waiting Phase = iota // not started yet: the network is awaited
	Running
	Between     // ended, and to be started again at NextAt
	Ending      // the node goes down
	GivenUp     // the release is not started any more
	Pausing     // the release is being stopped, and the node stays: see Pending
	Stopped     // it ended on purpose
	FallingBack // given up, and the fallback command is to run, or runs
	PhaseCount  // how many there are
)

// phaseNames are the phases in what one PID 1 hands to the next.
var phaseNames = [...]string{"waiting", "running", "between", "ending", "given-up", "pausing", "stopped", "falling-back"}

// MarshalText gives the name of a phase.
func (p Phase) MarshalText() ([]byte, error) {
	if p < 0 || p >= PhaseCount {
		return nil, fmt.Errorf("no phase %d", int(p))
	}
	return []byte(phaseNames[p]), nil
}

// UnmarshalText reads one; a name that only another version has is -1 and no error.
func (p *Phase) UnmarshalText(text []byte) error {
	*p = Phase(slices.Index(phaseNames[:], string(text)))
	return nil
}

// State is all that PID 1 knows of the release. Step makes the next one from it, and leaves
// it as it is.
type State struct {
	Policy Policy `json:"-"`
	Peers  int    `json:"-"` // how many peers are expected

	Phase      Phase               `json:"phase"`
	PID        int                 `json:"pid"`                // of the release, 0 where none runs
	Ran        bool                `json:"ran,omitempty"`      // the release has been started at least once in this boot
	Answered   bool                `json:"answered,omitempty"` // a probe was answered since the start
	Started    bool                `json:"started,omitempty"`  // all its applications have been started
	Notified   bool                `json:"notified,omitempty"` // it said READY=1
	Ready      bool                `json:"ready,omitempty"`    // it was ready at least once since the start, by the criterion of that time
	Hung       bool                `json:"hung,omitempty"`     // the last probe was not answered any more, or it is being killed
	Probe      time.Duration       `json:"probe,omitempty"`
	Known      bool                `json:"known,omitempty"` // PeerStates is known
	PeerStates []cluster.PeerState `json:"peers,omitempty"`
	Restarts   int                 `json:"restarts,omitempty"`
	Runs       int                 `json:"runs,omitempty"`      // how often it was started in this boot
	CameUp     bool                `json:"came_up,omitempty"`   // it has been well in this boot: it was ready, or ran for a window
	Failed     int                 `json:"failed,omitempty"`    // boots in a row before this one in which it was not
	FellBack   bool                `json:"fell_back,omitempty"` // the fallback command has had its turn, in this boot or that row
	StartedAt  time.Duration       `json:"started_at,omitempty"`
	Exits      []time.Duration     `json:"exits,omitempty"`   // within the window, oldest first
	Backoff    time.Duration       `json:"backoff,omitempty"` // before the restart after the next one, without jitter; 0: at once
	NextAt     time.Duration       `json:"next_at,omitempty"`
	Why        string              `json:"why,omitempty"`    // how the release ended, or why the node is as it is
	Last       unix.WaitStatus     `json:"last,omitempty"`   // of the run that ended last
	Killed     bool                `json:"killed,omitempty"` // SIGKILL was sent on the way down
	Pending    PendingAction       `json:"then,omitempty"`   // what was asked for, until it is done
	Action     Action              `json:"action,omitempty"` // of Ending
	Rand       uint32              `json:"-"`                // xorshift state for the jitter; never 0

	HeardAt     time.Duration `json:"heard_at,omitempty"` // when a probe was last reported, or the release started
	Misses      int           `json:"misses,omitempty"`   // probes without an answer since the last that had one
	MissedAt    time.Duration `json:"missed_at,omitempty"`
	Kill        KillStage     `json:"kill,omitempty"`
	Fatal       string        `json:"fatal,omitempty"`        // why it is killed; empty: it is not, or ends by itself
	BeatAt      time.Duration `json:"beat_at,omitempty"`      // of the last beat of its heart; 0: none yet
	BeatSpan    time.Duration `json:"beat_span,omitempty"`    // to the next, at most
	SnoozeUntil time.Duration `json:"snooze_until,omitempty"` // nothing is killed or reset for hanging
	Unpetted    bool          `json:"unpetted,omitempty"`     // the watchdog is to reset the machine

	Slot    string        `json:"slot,omitempty"` // which system of an A/B update runs; empty: nobody asked
	Trial   Trial         `json:"trial,omitempty"`
	DueAt   time.Duration `json:"trial_due,omitempty"`     // when it has to be up
	WellAt  time.Duration `json:"well_at,omitempty"`       // since when it is; 0: it is not
	Overdue bool          `json:"trial_overdue,omitempty"` // it was not, at DueAt
}

// EventKind says what happened.
type EventKind int

// The events.
const (
	Begin        EventKind = iota // start the release: the network is ready, or was awaited long enough
	Started                       // PID
	StartFailed                   // Text
	Exited                        // PID, Status, Text: what is known besides
	Reported                      // Report
	TimeIsUp                      // Timer
	DownAsked                     // the node is to go down: Action, Now, Text
	NoRelease                     // Text: nothing that could be started
	Heard                         // Heart
	ReleaseAsked                  // somebody asked for the release to start or stop: Pending, Text
	Remembered                    // Failed, FellBack: of the boots before
	Notified                      // PID, Said
	Unheard                       // the release has no way to say that it is ready
	FellBack                      // the fallback command is over; Text: what was wrong with it, empty: nothing
	Kept                          // the program that confirms the system has succeeded
	Rejected                      // the one that gives it up has ended, or could not be started
)

// Event is one thing that happened, at a time of CLOCK_MONOTONIC.
type Event struct {
	Kind    EventKind
	At      time.Duration
	PID     int
	Status  unix.WaitStatus
	Report  cluster.Report
	Heart   heart.Message
	Said    notify.Words
	Timer   Timer
	Action  Action
	Now     bool // DownAsked: without ending the release in order
	Pending PendingAction
	Text    string

	Failed   int
	FellBack bool
}

// Timer names the alarms that Step asks for.
type Timer int

// The timers.
const (
	RestartTimer Timer = iota
	StopTimer
	NetworkTimer
	TickTimer
	SaveTimer
	WellTimer
	StartTimer
	KillTimer
	BeatTimer
	PetTimer
	ShrinkTimer
	ServiceTimer // a service that is stopped on the way down has had its time
	ConfirmTimer // a system on trial has been up for long enough
	TrialTimer   // and it had to be by now
	TimerCount   // how many there are
)

// EffectKind says what is to be done.
type EffectKind int

// The effects.
const (
	Start    EffectKind = iota // start the release, then step Started or StartFailed
	Signal                     // send Signal to the release
	SetTimer                   // Timer, in After
	Order                      // tell the monitor
	Record                     // write a health record
	Finish                     // the loop ends with State.Action
	SweepUp                    // kill what is left of the process group PID
)

// Effect is one thing to do.
type Effect struct {
	Kind   EffectKind
	Signal unix.Signal
	Timer  Timer
	After  time.Duration
	Order  cluster.OrderKind
	PID    int
}

// String is the name of a timer.
func (t Timer) String() string {
	return [...]string{
		"restart", "stop", "network", "tick", "save", "well", "start", "kill", "beat", "pet", "shrink", "service", "confirm", "trial",
	}[t]
}

// Health is the word for the state.
func (s *State) Health() health.State {
	switch s.Phase {
	case Running:
		switch {
		case s.Hung:
			return health.Hung
		case !s.Ready:
			return health.Starting
		case s.Known && s.Connected() < s.Peers:
			return health.Degraded
		}
		return health.Up
	case Between, Stopped:
		return health.Down
	case Ending, Pausing:
		return health.Stopping
	case GivenUp, FallingBack:
		return health.Rescue
	}
	return health.Booting
}

// Connected is how many peers are connected.
func (s *State) Connected() int { return s.count(cluster.Connected) }

// count is how many peers are in that state.
func (s *State) count(state cluster.PeerState) (n int) {
	for i := 0; i < s.Peers; i++ {
		if s.Peer(i) == state {
			n++
		}
	}
	return n
}

// Peer is how this node stands with peer i.
func (s *State) Peer(i int) cluster.PeerState {
	if i >= len(s.PeerStates) {
		return cluster.NotSeen
	}
	return s.PeerStates[i]
}
