package cluster

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// connectionsEnded hears which connections of this machine have ended: it is news only
// where it is one to a peer. The sockets of everything else, the monitor's own above all,
// wake nobody.
func (m *monitor) connectionsEnded() {
	at := now()
	m.endsAt = at + lookMinInterval
	news := readEnds(m.ends, func(s Socket) {
		for _, i := range m.index[s.remote()] {
			if p := &m.peers[i]; p.state == Connected && p.socket.cookie() == s.cookie() {
				m.lookAt = at
			}
		}
	})
	if news {
		m.lookAt = at
	}
}

// look asks the kernel for the connections to the peers.
func (m *monitor) look(at time.Duration) {
	m.lookAt = at + min(lookInterval, m.Interval)
	m.checkStopped(at)
	there, stuck := make(map[int][]Socket), make(map[int]Socket)
	own := m.ownDials()
	err := connections(func(s Socket, isStuck bool) {
		switch i := m.index.find(m.Watch.Peers, m.Port, &s); {
		case i < 0 || m.peers[i].ignore == s.cookie() || own[s.cookie()]:
		case isStuck:
			stuck[i] = s
		default:
			there[i] = append(there[i], s)
		}
	})
	m.known = err == nil
	if err != nil {
		return
	}
	for i := range m.peers {
		m.peers[i].stuck = stuck[i]
		m.settle(i, there[i], at)
		// One that answers may be connected any moment, by whichever VM of the two.
		if s := m.peers[i].state; s == NotSeen || s == Disconnected {
			m.lookAt = min(m.lookAt, at+lookInterval/4)
		}
	}
	// However many sockets this machine has, to look at them is cheap.
	m.lookAt = max(m.lookAt, at+share*(now()-at))
	for i := range m.peers {
		if m.peers[i].candidate != (Socket{}) {
			m.lookAt = min(m.lookAt, at+settleTime)
		}
	}
}

// ownDials are the cookies of the handshakes that are under way: no connections of the VM, though
// one with a VM that is stopped lasts.
func (m *monitor) ownDials() map[uint64]bool {
	own := make(map[uint64]bool, len(m.dials))
	for _, d := range m.dials {
		if cookie, err := unix.GetsockoptUint64(d.fd, unix.SOL_SOCKET, unix.SO_COOKIE); err == nil {
			own[cookie] = true
		}
	}
	return own
}

// settle compares the connections to a peer with the one it had. A new one counts after a
// while only: until then it may be the handshake of somebody who asks, as the monitors do.
func (m *monitor) settle(i int, there []Socket, at time.Duration) {
	p := &m.peers[i]
	has := func(cookie uint64) bool {
		for k := range there {
			if there[k].cookie() == cookie {
				return true
			}
		}
		return false
	}
	if p.state == Connected {
		if has(p.socket.cookie()) {
			p.candidate = Socket{}
			return
		}
		// One that is stuck is cut when it is time, and counts until then: the VM has it yet, and
		// would have it for long.
		if p.inDoubt() && m.Timeout > 0 {
			return
		}
		well := p.reach.well(&m.pace, at) && m.healthy && at-m.joined >= forming && at-p.since >= forming
		p.heal.disconnected(at, well)
		p.state, p.socket = NotSeen, Socket{}
	}
	switch {
	case len(there) == 0:
		p.candidate = Socket{}
	case p.candidate == (Socket{}) || !has(p.candidate.cookie()):
		p.candidate, p.candidateSince = there[0], at
	case at-p.candidateSince >= settleTime:
		p.state, p.socket, p.since, p.candidate = Connected, p.candidate, at, Socket{}
		p.reach = reach{sign: at, sent: at, echoes: p.reach.echoes}
		if !p.heal.lost {
			m.join(at)
		}
		if p.heal.connected(at) {
			m.send(Message{Kind: Healed, Peer: p.Name})
		}
	}
}

// forming is how long after the first connection of a peer OTP may still end others, and how
// old a connection is at least whose end a release can have asked for: a younger one may have
// been a handshake that came to nothing.
const forming = 2 * time.Second

// join notes that a peer is connected for the first time. While a mesh forms, OTP ends
// connections to those that a third node cannot see yet (prevent_overlapping_partitions of
// kernel(6)): no release asked for that, and what was left alone is connected again.
func (m *monitor) join(at time.Duration) {
	m.joined = at
	for i := range m.peers {
		m.peers[i].heal.forgive(0, at)
	}
}

// checkStopped cuts this node off from its peers where its own VM is stopped (SIGSTOP, a
// debugger): its kernel goes on to answer for it, and they would wait for net_ticktime.
func (m *monitor) checkStopped(at time.Duration) {
	if !stopped(m.order.PID) {
		m.ran = at
		m.healthy = m.healthy || len(m.Local) == 0
		return
	}
	if m.Timeout <= 0 {
		return
	}
	if at-m.ran < m.Timeout {
		m.lookAt = min(m.lookAt, m.ran+m.Timeout)
		return
	}
	for i := range m.peers {
		if m.peers[i].state == Connected {
			m.cut(i, at, Disconnected)
		}
	}
	m.healthy = false
	m.probeAt = min(m.probeAt, at)
}

// stopped says whether a process is (proc(5), stat: state T or t).
func stopped(pid int) bool {
	if pid <= 0 {
		return false
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, ok := bytes.Cut(text, []byte(") "))
	return ok && len(state) > 0 && (state[0] == 'T' || state[0] == 't')
}
