package supervise

import (
	"encoding/json"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/supervise/cgroup"
	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"github.com/beaminit/beaminit/supervise/watchdog"
	"golang.org/x/sys/unix"
)

// End is how the loop ended.
type End struct {
	Action policy.Action
	Seq    uint32          // of the last health record
	Status unix.WaitStatus // of the release's last run
	GaveUp bool            // the release could not be started, or not be kept up
}

// Node is what the loop is given: everything that is fixed for a boot.
type Node struct {
	Name          func() string   // eclero@eclero6, as far as it is known
	Clock         func() string   // what gave the time of day, for the records
	Warn          func() []string // what is wrong with the node and does not stop it, for the records; nil: nothing is
	Lasting       []string        // the words of those that the boot found, and that stay as long as it lasts
	Peers         []string        // the other nodes' names, in the order of the monitor's addresses
	Boot          uint32
	Seq           uint32 // of the last health record before
	Policy        policy.Policy
	ReleaseCgroup *cgroup.Group // nil: it has none of its own
	Interval      time.Duration // between health records

	Console *health.Console
	Signals *Signals
	Phases  []health.Phase // done so far

	// Prepare makes everything ready for a start of the release, with its number in this boot,
	// from 1 on, and then calls done on the loop's goroutine, at once or later; asked: no end
	// of it was the reason.
	Prepare          func(run int, asked bool, done func(Release, error))
	Programs         []Program
	Jobs             *Jobs
	InMemory         func(path string) bool    // a path cannot make who opens it wait
	AfterStart       func()                    // called once, as soon as the release has been started or has to wait
	Stopping         func(policy.Action)       // called when the node is asked to go down, each time; must not block
	AtOnce           func(policy.Action) error // ends the node without a way down; returns only an error
	ReleaseStopped   func()                    // called when nothing of the release runs any more, and services are stopped; must not block
	Finished         func(End)                 // called when nothing of the release runs any more; must not block
	Button           policy.Action             // that the power button asks for; none: nothing
	Save             func() []error            // called after the start and every hour, on a thread of its own; nil: nothing to save
	NoRelease        string                    // why nothing can be started; empty: something can
	Dumps            evidence.Dumps            // what is kept of each end
	Fallback         launch.Command            // to be run once before rescue, where Policy says that there is one
	Update           Update
	Failed           int                    // boots in a row before this one that did not come up
	FellBack         bool                   // and Fallback was run after the last that did
	FailedBoots      <-chan policy.Event    // Remembered, once all is known of them
	Watch            func() cluster.Watch   // what the monitor is to look at
	Readahead        func() *launch.Command // reads the release ahead while the network is awaited; nil, or it gives nil: nothing does
	Terminal         *console.Terminal      // of the release; nil: it has none
	Children         []Child                // that this node has besides, such as services
	Relay            func() launch.Command  // between Terminal and its tty; asked only where there is a Terminal
	WatchdogSettings WatchdogSettings
	Watchdog         *watchdog.Device // opened by the loop, and armed when Run has ended

	Network     Network
	NetworkWait time.Duration // 0: the network is ready
	Discovery   Discovery

	Remember     func(history.Entry)            // keeps what this boot will be known by, and never waits; nil: nothing is kept
	KeepHistory  func(guard func())             // begins to write that, on a goroutine with guard deferred; nil like Remember
	FlushHistory func(limit time.Duration) bool // waits until it is written; nil like Remember
	StateDir     func() string                  // of what outlives a reboot, for Resume; empty: there is none

	Facts func() json.RawMessage // what is known of the release, for a PID 1 of the same version after this one; nil: nothing is

	Resume *Handover // what PID 1 knew before it fell; nil: this is a boot

	Version string // of beaminit
	Control string // path of the control socket
}
