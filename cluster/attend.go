package cluster

import (
	"net/netip"
	"time"
)

// probed takes over what the release of this node answered.
func (m *monitor) probed(d *dial, at time.Duration) {
	m.healthy = d.answer == Answered
	switch {
	case m.healthy:
		m.answered, m.flags = true, flagsOf(d.have)
		m.probeAt = at + m.Interval
	case m.answered:
		m.probeAt = at + min(missPace, m.Interval)
	default:
		m.probeAt = at + max(earlyPace, share*d.cost())
	}
	if d.answer == Refused || !d.met { // or there is no way there
		m.local = (m.local + 1) % len(m.Local)
	}
}

// tried takes over what a handshake with a peer came to.
func (m *monitor) tried(d *dial, at time.Duration) {
	p := &m.peers[d.peer]
	p.dialed = false
	if p.state == Connected {
		return
	}
	state, tell := p.heal.outcome(&m.Watch, d, p.Node, at)
	if tell && m.healthy {
		m.send(Message{Kind: Heal, Peer: p.Name, Pause: p.heal.brake})
		m.lookAt = min(m.lookAt, at+lookMinInterval)
	}
	if p.failed++; d.met || p.stuck == (Socket{}) {
		p.failed = 0
	}
	if p.failed >= maxStuckTries && m.Timeout > 0 {
		m.send(Message{Kind: Cut, Peer: p.Name, Socket: p.stuck})
		p.ignore, p.stuck, p.failed = p.stuck.cookie(), Socket{}, 0
	}
	if d.answer == Answered && p.ignore != 0 {
		p.ignore = 0 // if that connection is there yet, it lives
		m.lookAt = min(m.lookAt, at+lookMinInterval)
	}
	if p.state == Unreachable && d.answer == Answered {
		for i := range m.peers {
			m.peers[i].heal.forgive(p.heal.gone, at)
		}
	}
	if state == OtherCookie {
		state = m.reason(d)
	}
	p.state = state
}

// inDoubt says that the peer acknowledges nothing on the connection that it has: on a line that
// loses packets that may last for half a minute, and pass.
func (p *peer) inDoubt() bool {
	return p.state == Connected && p.socket != (Socket{}) && p.stuck.cookie() == p.socket.cookie()
}

// pinged takes over what came of asking a connected peer by TCP.
func (m *monitor) pinged(d *dial, at time.Duration) {
	p := &m.peers[d.peer]
	if d.met {
		p.reach.signed(at)
	}
	if p.failed++; d.met || !p.inDoubt() {
		p.failed = 0
	}
	if p.failed >= maxPings { // its port is closed to this node, whatever else answers
		p.failed = 0
		m.cut(d.peer, at, Unreachable)
	}
}

// reason is why no connection to a peer that answers comes about, as far as its answer tells.
func (m *monitor) reason(d *dial) PeerState {
	cert, _ := certificateIn(d.have)
	switch {
	case m.TLS && cert != nil && !validAt(cert, time.Now()):
		return OtherClock
	case !m.TLS && incompatible(m.flags, flagsOf(d.have)):
		return OtherOTP
	}
	return OtherCookie
}

// signOf notes a sign of life of every peer at an address.
func (m *monitor) signOf(from netip.Addr) {
	at := now()
	for _, i := range m.index[from] {
		r := &m.peers[i].reach
		r.signed(at)
		r.echoes = true
	}
}

// mayDial says whether a handshake with a peer may begin: not with one that has just
// connected, and none for a release that would not listen if it were told to connect.
func (m *monitor) mayDial(p *peer) bool {
	return !p.dialed && m.healthy && len(m.dials) < maxDials && p.candidate == (Socket{})
}

// attend does what is due about one peer.
func (m *monitor) attend(i int, at time.Duration) {
	p := &m.peers[i]
	if p.state != Connected {
		if at >= p.heal.next && m.mayDial(p) {
			ask := m.dial
			if p.heal.attempts >= askWhyAfter {
				ask = m.dialAgain
			}
			d := ask(p.Addr)
			d.deadline = d.begun + max(min(m.Limit, m.Heal*3/4), lookMinInterval)
			d.peer, p.dialed = i, true
			m.dials = append(m.dials, d)
		}
		return
	}
	if at-p.since >= steadyAfter {
		p.heal.lasted()
	}
	if m.Timeout <= 0 || at < p.reach.due(&m.pace, at)-p.reach.early(&m.pace, at) {
		return
	}
	if p.reach.dead(&m.pace, at) {
		m.cut(i, at, Unreachable)
		return
	}
	tcp := p.reach.ask(&m.pace, at)
	if p.inDoubt() && !p.reach.missed(&m.pace, at) { // else that has it asked by TCP anyway
		tcp, p.reach.tcpAsked = true, at
	}
	if a := p.Addr.Addr().Unmap(); a.Is4() {
		m.echo4.ask(a)
	} else {
		m.echo6.ask(a)
	}
	if tcp {
		d := tcpPing(p.Addr, m.Timeout)
		d.peer = i
		m.dials = append(m.dials, d)
	}
}

// cut has the connection to a peer destroyed: the peer is unreachable, or the release of
// this node has itself disconnected from all.
func (m *monitor) cut(i int, at time.Duration, state PeerState) {
	p := &m.peers[i]
	m.send(Message{Kind: Cut, Peer: p.Name, Socket: p.socket, Own: state == Disconnected})
	p.state = state
	p.ignore, p.socket = p.socket.cookie(), Socket{}
	p.heal.disconnected(at, false)
}
