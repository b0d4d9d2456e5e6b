// Package watch is what is known of nodes by what their serial consoles say: it reads the
// lines, finds the health records among them, and tells the state of each node. It knows
// nothing of QEMU, and builds wherever a serial line can be read.
package watch

import (
	"net/netip"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lan"
)

// Status is all that can be shown of a lab at one moment. Durations are
// nanoseconds in its JSON.
type Status struct {
	At      time.Time     `json:"at"`
	Uptime  time.Duration `json:"uptime"`           // of the lab
	Serial  bool          `json:"serial,omitempty"` // they are only watched, see Serial; all of the lab and the LAN is empty
	Accel   string        `json:"accel"`            // kvm, tcg or namespaces
	Kernel  string        `json:"kernel"`           // version
	Image   string        `json:"image"`            // size, for people
	LAN     lan.Counters  `json:"lan"`
	LANs    []LAN         `json:"lans,omitempty"`  // where they have names
	Links   []lan.Link    `json:"links,omitempty"` // that something is wrong with
	Traffic []lan.Traffic `json:"traffic,omitempty"`
	Nodes   []NodeStatus  `json:"nodes"`
	Events  []Event       `json:"events"`         // the last, the oldest first
	Play    *Playing      `json:"play,omitempty"` // the last scenario; nil: there was none
}

// LAN is one of several.
type LAN struct {
	Name   string       `json:"name"`
	Prefix netip.Prefix `json:"prefix"`
}

// Playing is how far a scenario is.
type Playing struct {
	Name   string   `json:"name"`
	Steps  []string `json:"steps"`
	Done   int      `json:"done"`             // steps
	Failed string   `json:"failed,omitempty"` // why the next one did not come true: it is over
}

// Runs tells whether there are steps to come.
func (p Playing) Runs() bool { return p.Failed == "" && p.Done < len(p.Steps) }

// Event is something worth a line: what a node said, or what was done to it.
type Event struct {
	At   time.Time `json:"at"`
	Node string    `json:"node"`
	Text string    `json:"text"`
}

// KeptEvents is how many of them a Status has at most.
const KeptEvents = 200

// NodeStatus is what is known of one node. The fields from Erlang to Phases are of
// the last record, and zero where this boot has sent none.
type NodeStatus struct {
	Name    string       `json:"name"`
	Address string       `json:"address"`          // empty: it takes one by itself
	Auto    bool         `json:"auto,omitempty"`   // see AutoSpecs
	State   health.State `json:"state"`            // a record's, or Off or Dead
	Cut     bool         `json:"cut"`              // off the LAN
	Faults  []string     `json:"faults,omitempty"` // of the machine, see Node
	Since   time.Time    `json:"since"`            // when the machine was started, reset or ended

	HasRecord bool           `json:"has_record"`
	Age       time.Duration  `json:"age"`    // of the record
	Erlang    string         `json:"erlang"` // name of the Erlang node
	Uptime    time.Duration  `json:"uptime"`
	Connected int            `json:"connected"` // -1: not known
	Peers     int            `json:"peers"`
	Missing   []string       `json:"missing,omitempty"`
	PID       int            `json:"pid"`
	Restarts  int            `json:"restarts"`
	Memory    int64          `json:"memory"` // bytes
	Probe     time.Duration  `json:"probe"`
	Why       string         `json:"why,omitempty"`
	Next      time.Duration  `json:"next,omitempty"`
	Warn      []string       `json:"warn,omitempty"`
	Net       []string       `json:"net,omitempty"`
	WasCut    []string       `json:"was_cut,omitempty"` // peers whose connections it cut
	Healed    []string       `json:"healed,omitempty"`  // peers that it connected again
	Slot      string         `json:"slot,omitempty"`
	Trial     bool           `json:"trial,omitempty"`
	Discovery string         `json:"discovery,omitempty"`
	Phases    []health.Phase `json:"phases,omitempty"`

	Lost    int    `json:"lost"`    // records that never came
	Jumps   int    `json:"jumps"`   // of the records' numbers, that no loss explains
	Garbled int    `json:"garbled"` // lines that had been records
	Event   string `json:"event"`
}

// Whole tells whether every node is up and has all its peers.
func (s Status) Whole() bool {
	for _, n := range s.Nodes {
		if !s.WholeNode(n) {
			return false
		}
	}
	return len(s.Nodes) > 0
}

// WholeNode is Whole for one node. One that finds its peers by itself has to have found them all.
func (s Status) WholeNode(n NodeStatus) bool {
	return n.State == health.Up && n.Connected == n.Peers && (!n.Auto || n.Peers == len(s.Nodes)-1)
}

// Status is what the console says of the node.
func (v *View) Status(now time.Time) NodeStatus {
	s := NodeStatus{
		State: v.state(now), Since: v.since,
		HasRecord: v.have, Lost: v.lost, Jumps: v.jumps, Garbled: v.garbled, Event: v.Event,
	}
	if !v.have {
		return s
	}
	r := v.rec
	s.Erlang, s.Age, s.Uptime = Clean(r.Node), now.Sub(v.at), r.Up
	s.Connected, s.Peers = r.Connected, r.Peers
	for _, m := range r.Missing {
		s.Missing = append(s.Missing, Clean(m.String()))
	}
	s.Warn, s.Net, s.WasCut, s.Healed = cleaned(r.Warn), cleaned(r.Net), cleaned(r.Cut), cleaned(r.Healed)
	s.Slot, s.Trial, s.Discovery = Clean(r.Slot), r.Trial, Clean(r.Discovery)
	s.PID, s.Restarts, s.Memory, s.Probe = r.PID, r.Restarts, r.Mem, r.Probe
	s.Why, s.Next, s.Phases = Clean(r.Why), r.Next, r.Phases
	return s
}

func cleaned(words []string) []string {
	var out []string
	for _, w := range words {
		out = append(out, Clean(w))
	}
	return out
}
