package supervise

import (
	"slices"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// clusterSays takes over a message of the monitor, if it is about the VM that runs now: one
// about the VM before may have been on its way when that ended.
func (l *Loop) clusterSays(m cluster.Message) {
	if m.PID != l.state.PID {
		return
	}
	if m.Kind == cluster.Found {
		if m.Report.Table != l.monitor.target.Table { // of other peers: only the probe is news
			m.Report.Known, m.Report.Peers = l.state.Known, l.state.PeerStates
		}
		l.step(policy.Event{Kind: policy.Reported, Report: m.Report})
		l.monitor.sayUnknown(m.Report, l.state.Peers)
		return
	}
	i := slices.IndexFunc(l.monitor.target.Peers, func(p cluster.Peer) bool { return p.Name == m.Peer })
	if i < 0 || l.state.Phase != policy.Running {
		return
	}
	p := l.monitor.target.Peers[i]
	switch m.Kind {
	case cluster.Cut:
		l.monitor.cutOff(p, &m)
	case cluster.Heal:
		l.notify.heal(p)
		l.monitor.brake(p.Name, m.Pause)
	case cluster.Healed:
		delete(l.monitor.brakes, p.Name)
		l.monitor.healed = append(l.monitor.healed, p.Name)
	}
}

// cutOff destroys the connection to a peer that gives no sign any more, so that the VM knows
// at once. What is no connection to that peer is left alone, whatever the monitor says.
func (m *monitor) cutOff(p cluster.Peer, order *cluster.Message) {
	why := p.Name + " gave no sign for " + m.target.Timeout.String()
	if order.Own {
		why = "the VM is stopped"
	}
	if !order.Socket.Connects(p, m.target.Port) {
		m.console.Say(health.Err, "the monitor names a connection that is none to "+p.Name+": it is left alone")
		return
	}
	switch err := order.Socket.Destroy(); err {
	case nil:
		m.cut = append(m.cut, p.Name)
		m.console.Say(health.Warning, why+": the connection to "+p.Name+" is cut")
	case unix.ENOENT: // it ended meanwhile
	default:
		if !m.cutProblemSaid {
			m.cutProblemSaid = true
			m.console.Say(health.Warning, why+", and the connection to "+p.Name+" cannot be cut: "+err.Error()+
				"; the VMs find out by themselves, later. Want CONFIG_INET_DIAG_DESTROY")
		}
	}
}

// brake says that the attempts to connect to a peer come to nothing and are made less
// often: when that begins, and when they cannot become fewer.
func (m *monitor) brake(name string, pause time.Duration) {
	was, braked := m.brakes[name]
	if pause == 0 {
		delete(m.brakes, name)
		return
	}
	if m.brakes == nil {
		m.brakes = map[string]brake{}
	}
	m.brakes[name] = brake{pause, now() + pause}
	if !braked || was.pause < pause && pause == cluster.LongestBrake {
		m.console.Say(health.Warning, name+" answers, and no connection to it comes about: the VM is told again in "+pause.String()+
			", and then less and less often, at least every "+cluster.LongestBrake.String())
	}
}

// sayUnknown says, once, why the peers of a release that answers are not counted.
func (m *monitor) sayUnknown(r cluster.Report, peers int) {
	if r.Answer == cluster.Answered && !r.Known && peers > 0 && !m.uncountedSaid {
		m.uncountedSaid = true
		m.console.Say(health.Warning, "peers=? because the kernel does not tell its connections (sock_diag): "+
			"want CONFIG_INET_TCP_DIAG, or tcp_diag in kernel.modules")
	}
}

// brake is how seldom the VM is told to connect to a peer.
type brake struct {
	pause time.Duration // between two attempts
	next  time.Duration // when the next one is made
}

// braked are the peers that the VM is told of seldom, and when again. That of one that is
// connected, answers no more or is no peer is over.
func (m *monitor) braked(peers []string, s *policy.State) (list []health.Brake) {
	if len(m.brakes) == 0 {
		return nil
	}
	for i, name := range peers {
		b, ok := m.brakes[name]
		if !ok {
			continue
		}
		switch s.Peer(i) {
		case cluster.NotSeen, cluster.OtherCookie, cluster.OtherOTP, cluster.OtherClock:
			list = append(list, health.Brake{Name: name, Next: max(b.next-now(), 0)})
		default:
			delete(m.brakes, name)
		}
	}
	return list
}
