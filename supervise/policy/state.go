// Package policy decides what follows from what happens to the release: it starts, answers
// or does not, ends, is asked to stop. Step is pure: a state and an event give the next
// state and the effects that are wanted. Who performs them is package supervise. The
// states and their transitions are those of Phase, the timers those of Timer.
package policy

import (
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

	ProbeInterval time.Duration // of the monitor
	ProbeTimeout  time.Duration
	ProbeFailures int           // in a row, after which a release that had answered is killed; 0: never
	StartTimeout  time.Duration // within which it has to be ready; 0: no limit
	Ready         string        // what makes it so: config.Listening, Started or Notify
	Unprobed      bool          // nobody can ask whether it answers: it need not
	DumpTimeout   time.Duration // for its crash dump, before SIGKILL
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
	Pausing     // the release is being stopped, and the node stays: see Then
	Stopped     // it ended on purpose
	FallingBack // given up, and the fallback command runs
	PhaseCount  // how many there are
)

// State is all that PID 1 knows of the release. Step makes a new one from it; it
// is never changed in place.
type State struct {
	Policy Policy
	Peers  int // how many peers are expected

	Phase      Phase
	PID        int  // of the release, 0 where none runs
	Ran        bool // the release has been started at least once in this boot
	Answered   bool // a probe was answered since the start
	Started    bool // all its applications have been started
	Notified   bool // it said READY=1
	Ready      bool // it was ready at least once since the start, by the criterion of that time
	Hung       bool // and the last one was not
	Probe      time.Duration
	Known      bool // PeerStates is known
	PeerStates []cluster.PeerState
	Restarts   int
	Runs       int  // how often it was started in this boot
	CameUp     bool // it has been well in this boot: it was ready, or ran for a window
	Failed     int  // boots in a row before this one in which it was not
	FellBack   bool // the fallback command has had its turn, in this boot or that row
	Fallback   int  // its PID while it runs
	StartedAt  time.Duration
	Exits      []time.Duration // within the window, oldest first
	Backoff    time.Duration   // before the restart after the next one, without jitter; 0: at once
	NextAt     time.Duration
	Why        string // how the release ended, or why the node is as it is
	Killed     bool   // SIGKILL was sent on the way down
	Then       Then   // what was asked for, until it is done
	Action     Action // of Ending
	Rand       uint32 // xorshift state for the jitter; never 0

	HeardAt     time.Duration // when a probe was last reported, or the release started
	Misses      int           // probes without an answer since the last that had one
	MissedAt    time.Duration
	Kill        KillStage
	Fatal       string        // why it is killed; empty: it is not, or ends by itself
	BeatAt      time.Duration // of the last beat of its heart; 0: none yet
	BeatSpan    time.Duration // to the next, at most
	SnoozeUntil time.Duration // nothing is killed or reset for hanging
	Unpetted    bool          // the watchdog is to reset the machine
}

// EventKind says what happened.
type EventKind int

// The events.
const (
	Begin       EventKind = iota // start the release: the network is ready, or was awaited long enough
	Started                      // PID
	StartFailed                  // Text
	Exited                       // PID, Status, Text: what is known besides
	Reported                     // Report
	TimeIsUp                     // Timer
	StopAsked                    // Action, Text
	NoRelease                    // Text: nothing that could be started
	Heard                        // Heart
	Asked                        // Then, Text
	Remembered                   // Failed, FellBack: of the boots before
	Notified                     // PID, Said
	Unheard                      // the release has no way to say that it is ready
)

// Event is one thing that happened, at a time of CLOCK_BOOTTIME.
type Event struct {
	Kind   EventKind
	At     time.Duration
	PID    int
	Status unix.WaitStatus
	Report cluster.Report
	Heart  heart.Message
	Said   notify.Words
	Timer  Timer
	Action Action
	Now    bool // StopAsked: without ending the release in order
	Then   Then
	Text   string

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
	MonitorTimer
	TickTimer
	SaveTimer
	FallbackTimer
	WellTimer
	StartTimer
	KillTimer
	BeatTimer
	PetTimer
	CompanionTimer
	ShrinkTimer
	RelayTimer
	TimerCount // how many there are
)

// EffectKind says what is to be done.
type EffectKind int

// The effects.
const (
	Start       EffectKind = iota // start the release, then step Started or StartFailed
	Signal                        // send Signal to the release
	SetTimer                      // Timer, in After
	Order                         // tell the monitor
	Record                        // write a health record
	Finish                        // the loop ends with State.Action
	SweepUp                       // kill what is left of the process group PID
	RunFallback                   // start the fallback command, then step Started or StartFailed
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

// Health is the word for the state.
func (s State) Health() health.State {
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
func (s State) Connected() int { return s.count(cluster.Connected) }

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
