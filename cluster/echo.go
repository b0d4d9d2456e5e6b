package cluster

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// PingGroupRange is the sysctl with the groups whose processes may open the ping sockets of
// icmp(7), without privilege. The kernel's default is nobody; PID 1 makes it the monitor's.
const PingGroupRange = "/proc/sys/net/ipv4/ping_group_range"

// echo sends ICMP echo requests and takes the replies, for one address family.
type echo struct {
	fd    int // -1: there is none
	six   bool
	nonce [8]byte // in each request: what is no reply to one of ours has another
	seq   uint16
}

// openEcho opens a ping socket. Where that is not allowed, no sign comes this way.
func openEcho(six bool) echo {
	e := echo{fd: -1, six: six}
	family, proto := unix.AF_INET, unix.IPPROTO_ICMP
	if six {
		family, proto = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err != nil {
		return e
	}
	if n, err := unix.Getrandom(e.nonce[:], unix.GRND_NONBLOCK); err != nil || n != len(e.nonce) {
		binary.NativeEndian.PutUint64(e.nonce[:], uint64(now()))
	}
	e.fd = fd
	return e
}

// ask sends a request. The kernel fills in identifier and checksum.
func (e *echo) ask(to netip.Addr) {
	if e.fd < 0 {
		return
	}
	e.seq++
	b := [16]byte{0: 8}
	if e.six {
		b[0] = 128
	}
	binary.BigEndian.PutUint16(b[6:], e.seq)
	copy(b[8:], e.nonce[:])
	unix.Sendto(e.fd, b[:], unix.MSG_DONTWAIT, sockaddr(netip.AddrPortFrom(to, 0)))
}

// replies gives each address that a reply came from.
func (e *echo) replies(each func(netip.Addr)) {
	var b [256]byte
	for {
		n, from, err := unix.Recvfrom(e.fd, b[:], unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			return
		}
		if err != nil { // of one destination, not of the socket (icmp(7))
			if err == unix.EBADF || err == unix.ENOTSOCK {
				return
			}
			continue
		}
		if n < 16 || [8]byte(b[8:16]) != e.nonce {
			continue
		}
		switch a := from.(type) {
		case *unix.SockaddrInet4:
			each(netip.AddrFrom4(a.Addr))
		case *unix.SockaddrInet6:
			each(netip.AddrFrom16(a.Addr).Unmap())
		}
	}
}
