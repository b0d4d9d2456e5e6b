package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// MaxPeers is how many peers membership is kept for.
const MaxPeers = 256

// Set is a set of peers by their index in the configuration.
type Set [MaxPeers / 8]byte

// Has says whether peer i is in the set.
func (s *Set) Has(i int) bool { return s[i/8]&(1<<(i%8)) != 0 }

func (s *Set) add(i int) { s[i/8] |= 1 << (i % 8) }

// Sizes and offsets of sock_diag(7)'s structures (linux/inet_diag.h).
const (
	diagRequest = 8 + 48 // inet_diag_req_v2: family, protocol, ext, pad, states, id
	diagMessage = 72     // inet_diag_msg
	offRetrans  = 3
	offPorts    = 4 // sport, dport, big endian
	offDst      = 24
	offCookie   = 44 // the kernel's number of the socket, never used twice
	established = 1
)

// lostAfter is the number of unanswered retransmissions after which an
// established connection no longer counts: about 1.4 s after the first, while TCP
// itself would wait for a quarter of an hour.
const lostAfter = 3

// links has, for each peer by its index, the kernel's number of the socket that
// connects to it; 0: not connected. The number tells a connection that stayed from
// one that ended and was made again between two looks.
type links [MaxPeers]uint64

func (l *links) set() (s Set) {
	for i, cookie := range l {
		if cookie != 0 {
			s.add(i)
		}
	}
	return s
}

// members asks the kernel, by sock_diag(7), which peers have an established TCP
// connection with our port, or we with theirs. It needs no privilege.
// was is the answer before this one: where a peer has several connections, the
// known one counts. The error is that of the kernel's missing tcp_diag (ENOENT)
// or of a full buffer; the answer is then unknown, not empty.
func members(peers []netip.AddrPort, port int, was *links) (is links, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return is, fmt.Errorf("sock_diag socket: %w", err)
	}
	defer unix.Close(fd)
	limit := unix.Timeval{Sec: 1}
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
	q := query{peers, port, was, &is}
	for _, family := range [...]byte{unix.AF_INET, unix.AF_INET6} {
		if err := q.dump(fd, family); err != nil {
			return is, fmt.Errorf("sock_diag (CONFIG_INET_DIAG, module tcp_diag): %w", err)
		}
	}
	return is, nil
}

// query is one look at the connections.
type query struct {
	peers []netip.AddrPort
	port  int
	was   *links
	is    *links
}

// watchEnds opens a socket that becomes readable whenever a TCP socket of this
// network namespace ends (sock_diag's multicast groups, linux/sock_diag.h): the
// news of a lost peer then does not wait for the next look. -1 where the kernel
// has no such thing.
func watchEnds() int {
	const groupTCP, groupTCP6 = 1, 3 // SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return -1
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1<<(groupTCP-1) | 1<<(groupTCP6-1)}); err != nil {
		unix.Close(fd)
		return -1
	}
	return fd
}

func (q *query) dump(fd int, family byte) error {
	var req [unix.SizeofNlMsghdr + diagRequest]byte
	ne := binary.NativeEndian
	ne.PutUint32(req[0:], uint32(len(req)))
	ne.PutUint16(req[4:], unix.SOCK_DIAG_BY_FAMILY)
	ne.PutUint16(req[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	body := req[unix.SizeofNlMsghdr:]
	body[0], body[1] = family, unix.IPPROTO_TCP
	ne.PutUint32(body[4:], 1<<established)
	if err := unix.Sendto(fd, req[:], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	var buf [16 << 10]byte
	for {
		n, _, err := unix.Recvfrom(fd, buf[:], 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if done, err := q.scan(buf[:n]); done || err != nil {
			return err
		}
	}
}

// scan reads one datagram of a dump and notes what it finds.
func (q *query) scan(b []byte) (done bool, err error) {
	ne := binary.NativeEndian
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(ne.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return true, errors.New("cut message")
		}
		body := b[unix.SizeofNlMsghdr:size]
		switch ne.Uint16(b[4:]) {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			if len(body) < 4 {
				return true, errors.New("cut error message")
			}
			return true, unix.Errno(-int32(ne.Uint32(body)))
		case unix.SOCK_DIAG_BY_FAMILY:
			if i := q.peerOf(body); i >= 0 {
				cookie := ne.Uint64(body[offCookie:])
				if q.is[i] == 0 || cookie == q.was[i] {
					q.is[i] = cookie
				}
			}
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return false, nil
}

// peerOf gives the index of the peer that an inet_diag_msg is a living
// connection to, or -1.
func (q *query) peerOf(m []byte) int {
	if len(m) < diagMessage || m[offRetrans] >= lostAfter {
		return -1
	}
	local, remote := int(binary.BigEndian.Uint16(m[offPorts:])), int(binary.BigEndian.Uint16(m[offPorts+2:]))
	var addr netip.Addr
	if m[0] == unix.AF_INET {
		addr = netip.AddrFrom4([4]byte(m[offDst : offDst+4]))
	} else {
		addr = netip.AddrFrom16([16]byte(m[offDst : offDst+16])).Unmap()
	}
	for i, p := range q.peers {
		if i < MaxPeers && p.Addr() == addr && (local == q.port || remote == int(p.Port())) {
			return i
		}
	}
	return -1
}
