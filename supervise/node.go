package supervise

import (
	"encoding/json"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/handover"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
)

// Node is what the loop is given of the node that it keeps: fixed for a boot, and of each matter
// what belongs to it. What comes to be while the loop runs is in Loop.
type Node struct {
	Boot    uint32 // its number
	Version string // of beaminit
	Policy  policy.Policy

	Console  *health.Console
	Signals  *Signals
	Jobs     *jobs.Jobs
	Control  string                 // path of the control socket
	InMemory func(path string) bool // a path cannot make who opens it wait

	// What to run.
	Start     Start
	Programs  []Program             // around the release
	Fallback  launch.Command        // once before rescue, where Policy says that there is one
	Terminal  *console.Terminal     // of the release; nil: it has none
	Relay     func() launch.Command // between Terminal and its tty; asked only where there is a Terminal
	Update    Update
	Network   Network
	Cluster   Cluster
	Discovery Discovery
	Children  []children.Child // besides, such as services

	// How it is told of, and kept.
	Records  Records
	History  History
	Watchdog Watchdog

	// How it ends, and what goes on behind it.
	Down   Down
	Facts  func() json.RawMessage // what is known of the release, for a PID 1 of the same version after this one; nil: nothing is
	Resume *handover.Document     // what the PID 1 before this one knew; nil: this is a boot
}

// Cluster is what the loop is told of the other nodes.
type Cluster struct {
	Peers []string             // their names, in the order of the monitor's addresses
	Watch func() cluster.Watch // what the monitor is to look at
}
