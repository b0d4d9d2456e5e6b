package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Sizes and offsets of sock_diag(7)'s structures (linux/inet_diag.h).
const (
	diagHead    = 8  // inet_diag_req_v2 before its id: family, protocol, ext, pad, states
	diagMessage = 72 // inet_diag_msg
	offRetrans  = 3
	offID       = 4
	offInode    = 68
	established = 1
)

// lostAfter is the number of unanswered retransmissions after which an
// established connection is stuck: about 1.4 s after the first where the way is short,
// while TCP itself would wait for a quarter of an hour.
const lostAfter = 3

// peerIndex finds peers by their address.
type peerIndex map[netip.Addr][]int

func indexOf(peers []Peer) peerIndex {
	x := make(peerIndex, len(peers))
	for i, p := range peers {
		x[p.Addr.Addr().Unmap()] = append(x[p.Addr.Addr().Unmap()], i)
	}
	return x
}

// find is the peer that a connection is one to; -1: none.
func (x peerIndex) find(peers []Peer, port int, s *Socket) int {
	for _, i := range x[s.remote()] {
		if s.Connects(peers[i], port) {
			return i
		}
	}
	return -1
}

func openDiag() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return -1, fmt.Errorf("sock_diag socket: %w", err)
	}
	limit := unix.Timeval{Sec: 1}
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
	return fd, nil
}

func sendDiag(fd int, kind, flags uint16, family byte, states uint32, id []byte) error {
	var req [unix.SizeofNlMsghdr + diagHead + socketID]byte
	ne := binary.NativeEndian
	ne.PutUint32(req[0:], uint32(len(req)))
	ne.PutUint16(req[4:], kind)
	ne.PutUint16(req[6:], unix.NLM_F_REQUEST|flags)
	body := req[unix.SizeofNlMsghdr:]
	body[0], body[1] = family, unix.IPPROTO_TCP
	ne.PutUint32(body[4:], states)
	copy(body[diagHead:], id)
	return unix.Sendto(fd, req[:], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// connections asks the kernel, by sock_diag(7), for all established TCP connections that a
// process has, and gives them to each; stuck are those whose other end acknowledges no more. A
// connection that nobody has accepted yet is made by the kernel alone, in front of a VM that is
// stopped perhaps. It needs no privilege.
// The error is that of the kernel's missing tcp_diag (ENOENT) or of a full buffer; the
// answer is then unknown, not empty.
func connections(each func(s Socket, stuck bool)) error {
	accepted := func(s Socket, stuck bool, inode uint32) {
		if inode != 0 {
			each(s, stuck)
		}
	}
	fd, err := openDiag()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, family := range [...]byte{unix.AF_INET, unix.AF_INET6} {
		if err := dump(fd, family, accepted); err != nil {
			return fmt.Errorf("sock_diag (CONFIG_INET_DIAG, module tcp_diag): %w", err)
		}
	}
	return nil
}

func dump(fd int, family byte, each func(Socket, bool, uint32)) error {
	if err := sendDiag(fd, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP, family, 1<<established, nil); err != nil {
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
		if done, err := scan(buf[:n], each); done || err != nil {
			return err
		}
	}
}

// scan reads one datagram of the kernel's: sockets, whether they are stuck, and their inode.
func scan(b []byte, each func(Socket, bool, uint32)) (done bool, err error) {
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
			if len(body) >= diagMessage {
				s := Socket{0: body[0]}
				copy(s[4:], body[offID:offID+socketID])
				each(s, body[offRetrans] >= lostAfter, ne.Uint32(body[offInode:]))
			}
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return false, nil
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

// readEnds takes all ends from the socket of watchEnds. lost: some did not fit in it.
func readEnds(fd int, each func(Socket)) (lost bool) {
	var b [8 << 10]byte
	for {
		n, err := unix.Read(fd, b[:])
		switch {
		case err == unix.EINTR:
		case err == unix.ENOBUFS:
			lost = true
		case err != nil || n <= 0:
			return lost
		default:
			scan(b[:n], func(s Socket, _ bool, _ uint32) { each(s) })
		}
	}
}
