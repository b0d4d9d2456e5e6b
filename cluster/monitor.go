package cluster

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Pace of the monitor where the configuration has no say.
const (
	lookInterval    = time.Second            // between looks at the connections, at most
	lookMinInterval = 50 * time.Millisecond  // and at least, however often connections end
	settleTime      = 200 * time.Millisecond // a younger connection may be a handshake that ends again
	missPace        = 500 * time.Millisecond // after a probe without answer
	earlyPace       = 200 * time.Millisecond // at least, between probes of a release that starts
	share           = 100                    // what is done again and again may take one of so many parts of a core
	stallTime       = 250 * time.Millisecond // a wait that took so much longer was a stall of this machine
	maxDials        = 32                     // handshakes with absent peers at a time
	maxStuckTries   = 3                      // so many in a row come to nothing, and a connection that is stuck is dead
	// So many TCP pings of a connected peer in a row come to nothing, and it is cut. Where a fifth of all packets is lost each way, and
	// is late, one in eight comes to nothing.
	maxPings = 4
)

// monitor is the state of a running Watch.
type monitor struct {
	Watch
	out   int
	order Order
	pace  pace
	index peerIndex
	peers []peer
	ends  int // descriptor of watchEnds
	echo4 echo
	echo6 echo
	dials []*dial
	polls []unix.PollFd

	woke     time.Duration // when the last wait ended
	planned  time.Duration // how long it was to last; negative: for ever
	endsAt   time.Duration // before, ends are not heard
	own      *dial         // the probe of the release that is under way
	local    int           // index of the address that is probed
	answered bool          // since the last order
	healthy  bool          // and to the last probe
	flags    uint64        // of its handshake; 0: not known
	probeAt  time.Duration
	lookAt   time.Duration
	ran      time.Duration // when the VM was last seen not to be stopped
	joined   time.Duration // when a peer was connected for the first time, last
	known    bool
	last     Report
}

// peer is a Peer with all that is known of it.
type peer struct {
	Peer
	state          PeerState
	socket         Socket // of its connection
	since          time.Duration
	candidate      Socket // a connection that is not counted yet
	candidateSince time.Duration
	stuck          Socket // a connection to it whose other end acknowledges no more
	failed         int    // handshakes or TCP pings in a row, while there is one, that came to no connection
	ignore         uint64 // the number of a connection that was cut, and may not have ended
	dialed         bool   // a handshake with it is under way
	reach          reach
	heal           heal
}

// Run watches until in is closed, which means that PID 1 has gone or started
// another monitor. It reads orders from in, a socket of packets, and writes messages to out.
func (w Watch) Run(in, out int) {
	m := monitor{out: out, order: Order{Kind: Rest}, ends: watchEnds(), echo4: openEcho(false), echo6: echo{fd: -1}, planned: -1}
	m.renew(w)
	for m.await(in) {
		m.work()
	}
	m.close()
}

func (m *monitor) close() {
	for _, d := range m.dials {
		d.end(0)
	}
	for _, fd := range [...]int{m.ends, m.echo4.fd, m.echo6.fd} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// await sleeps until an order comes, a descriptor is ready or something is due; false: in
// was closed.
func (m *monitor) await(in int) bool {
	m.polls = append(m.polls[:0], unix.PollFd{Fd: int32(in), Events: unix.POLLIN})
	ends := int32(m.ends)
	if m.order.Kind != Look || now() < m.endsAt {
		ends = -1 // poll(2) passes over it
	}
	for _, fd := range [...]int32{ends, int32(m.echo4.fd), int32(m.echo6.fd)} {
		m.polls = append(m.polls, unix.PollFd{Fd: fd, Events: unix.POLLIN})
	}
	const fixed = 4
	for _, d := range m.dials {
		m.polls = append(m.polls, d.want())
	}
	timeout := -1
	if due := m.due(); due >= 0 {
		timeout = milliseconds(due - now())
	}
	m.planned = time.Duration(timeout) * time.Millisecond
	n, err := unix.Poll(m.polls, timeout)
	m.credit()
	if n <= 0 || err != nil {
		return true
	}
	for i, d := range m.dials {
		if m.polls[fixed+i].Revents != 0 {
			d.ready()
		}
	}
	if m.polls[1].Revents != 0 {
		m.connectionsEnded()
	}
	if m.polls[2].Revents != 0 {
		m.echo4.replies(m.signOf)
	}
	if m.polls[3].Revents != 0 {
		m.echo6.replies(m.signOf)
	}
	return m.polls[0].Revents == 0 || m.take(in)
}

// credit gives all peers the time that this machine stood still: whoever was not heard in
// it may well have spoken.
func (m *monitor) credit() {
	at := now()
	late := at - m.woke - max(m.planned, 0)
	if m.planned >= 0 && m.woke != 0 && late > stallTime {
		m.ran += late
		for i := range m.peers {
			r := &m.peers[i].reach
			r.sign = min(r.sign+late, at)
			if r.waiting != 0 {
				r.waiting = min(r.waiting+late, at)
			}
		}
	}
	m.woke = at
}

// due is when the next thing is to be done; negative: never.
func (m *monitor) due() time.Duration {
	if m.order.Kind == Rest {
		return -1
	}
	due := m.probeAt
	switch {
	case m.own != nil:
		due = m.own.deadline
	case len(m.Local) == 0:
		due = m.lookAt
	}
	for _, d := range m.dials {
		due = min(due, d.deadline)
	}
	if m.order.Kind != Look || !m.answered {
		return due
	}
	due = min(due, m.lookAt)
	if m.endsAt > now() {
		due = min(due, m.endsAt)
	}
	for i := range m.peers {
		p := &m.peers[i]
		switch {
		case !m.known:
		case p.state == Connected && m.Timeout > 0:
			due = min(due, p.reach.due(&m.pace, now()))
		case p.state != Connected && m.mayDial(p):
			due = min(due, p.heal.next)
		}
	}
	return due
}

// work does what is due, and reports what is new.
func (m *monitor) work() {
	at := now()
	answer, took := m.finish(at)
	if m.order.Kind == Rest {
		return
	}
	if len(m.Local) > 0 && m.own == nil && at >= m.probeAt {
		m.own = m.dial(m.Local[m.local])
		m.dials = append(m.dials, m.own)
	}
	if m.order.Kind == Look && m.answered {
		if at >= m.lookAt {
			m.look(at)
		}
		for i := range m.peers {
			if m.known { // else any of them may be connected
				m.attend(i, at)
			}
		}
	}
	m.report(answer, took)
}

// finish takes the dials that are done from the list; it gives the answer of the release
// of this node, where it was one of them.
func (m *monitor) finish(at time.Duration) (answer Answer, took time.Duration) {
	left := m.dials[:0]
	for _, d := range m.dials {
		d.expire(at)
		switch {
		case !d.done:
			left = append(left, d)
		case d == m.own:
			answer, took = d.answer, d.took
			m.own = nil
			m.probed(d, at)
		case d.hello == nil:
			m.pinged(d, at)
		default:
			m.tried(d, at)
		}
	}
	clear(m.dials[len(left):])
	m.dials = left
	return answer, took
}

// report tells PID 1 what is new.
func (m *monitor) report(answer Answer, took time.Duration) {
	r := Report{Answer: answer, Took: took, Known: m.known, Table: m.Table}
	for i := range m.peers {
		r.Peers = append(r.Peers, m.peers[i].state)
	}
	if !m.answered && answer == Refused {
		answer = 0 // it is not there yet: no news
	}
	if answer == 0 && r.Known == m.last.Known && slices.Equal(r.Peers, m.last.Peers) {
		return
	}
	if !m.answered && answer == 0 {
		return
	}
	m.last = r
	m.send(Message{Kind: Found, Report: r})
}

func (m *monitor) send(msg Message) {
	msg.PID = m.order.PID
	unix.Write(m.out, msg.Encode())
}
