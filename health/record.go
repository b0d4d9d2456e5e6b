// Package health is the room of what a node says of itself: the health record
// that goes through /dev/kmsg to the serial console, and its reader.
package health

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// State is the one word that sums up a node.
type State string

// The states of a node, in the order of an ordinary life.
const (
	Booting  State = "booting"  // the release has not been started yet
	Starting State = "starting" // started, does not answer yet
	Up       State = "up"       // answers, and every peer is connected
	Degraded State = "degraded" // answers, and a peer is missing
	Hung     State = "hung"     // the process lives, the probe gets no answer
	Down     State = "down"     // between two runs of the release
	Stopping State = "stopping" // on the way to reboot, power off or halt
	Rescue   State = "rescue"   // given up: the node stays reachable, the release is not started
)

// Record is one health record, version 1. The texts of its fields from Warn to Discovery
// are for those who find them out; here they are words.
type Record struct {
	Boot      uint32        // random; changes with each boot
	Seq       uint32        // counts within a boot, from 1
	Up        time.Duration // CLOCK_BOOTTIME
	Node      string        // eclero@eclero6
	State     State
	PID       int // of the release; 0: none
	Restarts  int
	Connected int // peers with an established distribution connection
	Peers     int // peers expected, this node not counted; -1 in Connected where it cannot be known
	Missing   []Missing
	Probe     time.Duration // 0: not measured
	Mem       int64         // resident bytes of the release; 0: not known
	Why       string        // how the release ended, or why the node is in this state
	Next      time.Duration // until the next start; 0: none planned
	Warn      []string      // what is wrong with the node and does not stop it: data, clock, watchdog, the name of a service; written sorted
	Net       []string      // links that are not as they should be: eth0:no-carrier
	Cut       []string      // peers whose connections were cut since the last record
	Healed    []string      // peers that were connected again since the last record
	Brake     []Brake       // peers that are tried seldom, because attempts to connect come to nothing
	Slot      string        // which half of an A/B update runs: A, B
	Trial     bool          // it is not confirmed yet
	Discovery string        // open: peers are believed without a key
	Clock     string        // what gave the time of day at boot: rtc, floor or kernel; empty: not known
	Version   string        // of the beaminit that runs, its commit as git describe names it
	Phases    []Phase       // of the boot, in order
	Omitted   []string      // names of the fields that were left out because the record would have been too long
}

// Missing is a peer that is not connected.
type Missing struct {
	Name   string // eclero8; "+3": so many more, that did not fit
	Reason string // unreachable, refused, cookie, otp, clock, name, down, disconnected, discovered; empty: not known
}

// Brake is a peer that answers and that no connection to comes about.
type Brake struct {
	Name string        // "+3": so many more, that did not fit
	Next time.Duration // until the next attempt, whole seconds; 0: it is due
}

// String gives NAME:SECONDSs.
func (b Brake) String() string {
	if b.Next == 0 && strings.HasPrefix(b.Name, "+") {
		return b.Name
	}
	return b.Name + ":" + strconv.FormatInt(int64((b.Next+time.Second-1)/time.Second), 10) + "s"
}

// Misses says whether a peer is not connected.
func (r *Record) Misses(peer string) bool {
	return slices.ContainsFunc(r.Missing, func(m Missing) bool { return m.Name == peer })
}

// String gives NAME:REASON, or NAME where no reason is known.
func (m Missing) String() string {
	if m.Reason == "" {
		return m.Name
	}
	return m.Name + ":" + m.Reason
}

// Phase is when one step of the boot was done, on CLOCK_BOOTTIME.
type Phase struct {
	Name string // kernel, mounts, net, exec, listening
	At   time.Duration
}
