package health

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
	established = 1
)

// lostAfter is the number of unanswered retransmissions after which an
// established connection no longer counts: about 1.4 s after the first, while TCP
// itself would wait for a quarter of an hour.
const lostAfter = 3

// Members asks the kernel, by sock_diag(7), which peers have an established TCP
// connection with the distribution port on either side. It needs no privilege.
// The error is that of the kernel's missing tcp_diag (ENOENT) or of a full
// buffer; the answer is then unknown, not empty.
func Members(peers []netip.Addr, port int) (Set, error) {
	var set Set
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return set, fmt.Errorf("sock_diag socket: %w", err)
	}
	defer unix.Close(fd)
	limit := unix.Timeval{Sec: 1}
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
	for _, family := range [...]byte{unix.AF_INET, unix.AF_INET6} {
		if err := dump(fd, family, peers, port, &set); err != nil {
			return set, fmt.Errorf("sock_diag (CONFIG_INET_DIAG, module tcp_diag): %w", err)
		}
	}
	return set, nil
}

func dump(fd int, family byte, peers []netip.Addr, port int, set *Set) error {
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
		if done, err := scan(buf[:n], peers, port, set); done || err != nil {
			return err
		}
	}
}

// scan reads one datagram of a dump and adds what it finds to the set.
func scan(b []byte, peers []netip.Addr, port int, set *Set) (done bool, err error) {
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
			if i := peerOf(body, peers, port); i >= 0 {
				set.add(i)
			}
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return false, nil
}

// peerOf gives the index of the peer that an inet_diag_msg is a living
// connection to, or -1.
func peerOf(m []byte, peers []netip.Addr, port int) int {
	if len(m) < diagMessage || m[offRetrans] >= lostAfter {
		return -1
	}
	local, remote := int(binary.BigEndian.Uint16(m[offPorts:])), int(binary.BigEndian.Uint16(m[offPorts+2:]))
	if local != port && remote != port {
		return -1
	}
	var addr netip.Addr
	if m[0] == unix.AF_INET {
		addr = netip.AddrFrom4([4]byte(m[offDst : offDst+4]))
	} else {
		addr = netip.AddrFrom16([16]byte(m[offDst : offDst+16])).Unmap()
	}
	for i, p := range peers {
		if i < MaxPeers && p.WithZone("") == addr {
			return i
		}
	}
	return -1
}
