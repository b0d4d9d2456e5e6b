package supervise

import (
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/policy"
)

// Records is what health records say of the node, beside what the loop knows.
type Records struct {
	Interval time.Duration   // between two of them
	Seq      uint32          // of the last one before
	Phases   []health.Phase  // of the boot, done so far
	Name     func() string   // eclero@eclero6, as far as it is known
	Clock    func() string   // what gave the time of day
	Warn     func() []string // what is wrong with the node and does not stop it
	Lasting  []string        // the words of that which the boot found, and which stay as long as it lasts
}

// record writes a health record of the present state.
func (l *Loop) record() {
	if l.signals == nil {
		l.recordPending = true
		return
	}
	l.seq++
	l.Console.Health(l.present())
	l.monitor.cut, l.monitor.healed = nil, nil
}

// present is the state as a health record, with the number of the last one written.
func (l *Loop) present() health.Record {
	s := &l.state
	r := health.Record{
		Boot: l.Boot, Seq: l.seq, Up: clock.Uptime(), Node: l.Records.Name(), State: s.Health(), Why: s.Why,
		PID: s.PID, Restarts: s.Restarts, Peers: s.Peers, Connected: s.Connected(),
		Probe: s.Probe, Mem: proc.Resident(s.PID),
		Warn: l.warnings(), Clock: l.Records.Clock(), Version: l.Version, Phases: l.phases,
	}
	r.Slot, r.Trial = s.Slot, s.Unconfirmed()
	if l.Network.Bad != nil {
		r.Net = l.Network.Bad()
	}
	if l.Discovery.Open {
		r.Discovery = "open"
	}
	if s.Phase == policy.Running && s.Answered && s.Peers > 0 && !s.Known {
		r.Connected = -1
	}
	if r.State == health.Degraded || r.State == health.Hung {
		for i := 0; i < s.Peers; i++ {
			if state := s.Peer(i); state != cluster.Connected {
				r.Missing = append(r.Missing, health.Missing{Name: l.peers[i], Reason: l.reason(i, state)})
			}
		}
	}
	r.Cut, r.Healed, r.Brake = l.monitor.cut, l.monitor.healed, l.monitor.braked(l.peers, &l.state)
	if l.isStarting() {
		r.State = health.Starting
		if why := l.heldBy(); why != "" {
			r.Why = why
		}
	} else if s.Phase == policy.Between {
		r.Next = max(s.NextAt-now(), time.Millisecond)
	}
	return r
}

// reason is why a peer is missing. One that was found, and of which nothing is known by other
// means yet, is only that.
func (l *Loop) reason(i int, state cluster.PeerState) string {
	if state == cluster.NotSeen && l.Discovery.Found != nil && l.Discovery.Found(l.peers[i]) {
		return "discovered"
	}
	return state.String()
}

// warnings are the words of warn=: those of the node, and what the loop itself knows.
func (l *Loop) warnings() (words []string) {
	words = l.Records.Warn()
	if l.Watchdog.Path != "" && l.Watchdog.Wanted && l.Watchdog.Device.Timeout == 0 {
		words = append(words, "watchdog")
	}
	if l.state.IsOverdue() || l.confirm != nil && l.confirm.Failed && l.state.Trial == policy.Confirming {
		words = append(words, "update")
	}
	return append(append(words, l.Records.Lasting...), l.table.Troubled()...)
}
