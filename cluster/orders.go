package cluster

import "golang.org/x/sys/unix"

// take takes an order; false: in was closed.
func (m *monitor) take(in int) bool {
	var b [orderSize]byte
	rights := make([]byte, unix.CmsgSpace(4))
	n, size, _, _, err := unix.Recvmsg(in, b[:], rights, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err == unix.EINTR || err == unix.EAGAIN {
		return true
	}
	if err != nil || n <= 0 {
		return false
	}
	fd := passed(rights[:size])
	o, ok := decodeOrder(b[:n])
	switch {
	case !ok:
	case o.Kind != Renew:
		m.obey(o)
	case fd >= 0:
		w, err := readWatch(fd) // which closes it
		fd = -1
		if err == nil {
			m.renew(w)
		}
	}
	if fd >= 0 {
		unix.Close(fd)
	}
	return true
}

// passed is the descriptor that came with a packet (unix(7), SCM_RIGHTS); -1: none.
func passed(rights []byte) int {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) == 0 {
		return -1
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return -1
	}
	for _, fd := range fds[1:] { // there is room for another where words have 64 bits
		unix.Close(fd)
	}
	return fds[0]
}

// obey begins anew, with another release or without one.
func (m *monitor) obey(o Order) {
	for _, d := range m.dials {
		d.end(0)
	}
	m.dials, m.own = nil, nil
	unprobed := len(m.Local) == 0
	m.order, m.answered, m.healthy, m.known, m.last = o, unprobed, unprobed, false, Report{}
	m.probeAt, m.lookAt, m.endsAt, m.ran = 0, 0, 0, now()
	for i := range m.peers {
		m.peers[i] = peer{Peer: m.peers[i].Peer}
	}
}

// renew takes over another table. Of a peer that is in it as it was before, all is kept that
// is known: a brake and the respect for a disconnection go on while others come and go.
func (m *monitor) renew(w Watch) {
	before := make(map[Peer]int, len(m.peers))
	for i := range m.peers {
		before[m.peers[i].Peer] = i
	}
	now := make(map[int]int, len(w.Peers)) // the index of a peer by the one that it had
	peers := make([]peer, len(w.Peers))
	for i, p := range w.Peers {
		peers[i].Peer = p
		if was, ok := before[p]; ok {
			peers[i], now[was] = m.peers[was], i
		}
		if !p.Addr.Addr().Unmap().Is4() && m.echo6.fd < 0 {
			m.echo6 = openEcho(true)
		}
	}
	left := m.dials[:0]
	for _, d := range m.dials {
		i, ok := now[d.peer]
		switch {
		case d == m.own:
			left = append(left, d)
		case ok:
			d.peer = i
			left = append(left, d)
		default:
			d.end(0)
		}
	}
	clear(m.dials[len(left):])
	m.dials = left
	if len(w.Local) == 0 {
		m.answered, m.healthy = true, true
	}
	m.Watch, m.peers, m.pace, m.index, m.local = w, peers, paceOf(w.Timeout), indexOf(w.Peers), 0
	m.last, m.lookAt = Report{}, 0
}
