package cluster

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Socket is one TCP connection as the kernel knows it: the address family, and what
// linux/inet_diag.h calls inet_diag_sockid. The number in it, never used twice, keeps a
// connection that took the place of this one from its fate.
type Socket [4 + socketID]byte

const socketID = 48

// cookie is the kernel's number of the socket; 0: none.
func (s *Socket) cookie() uint64 { return binary.NativeEndian.Uint64(s[4+socketID-8:]) }

// ports are the local and the remote one.
func (s *Socket) ports() (local, remote int) {
	return int(binary.BigEndian.Uint16(s[4:])), int(binary.BigEndian.Uint16(s[6:]))
}

// remote is the address of the other end.
func (s *Socket) remote() netip.Addr {
	dst := s[4+20 : 4+36]
	if s[0] == unix.AF_INET {
		return netip.AddrFrom4([4]byte(dst[:4]))
	}
	return netip.AddrFrom16([16]byte(dst)).Unmap()
}

// Connects says whether the socket is a distribution connection between p and the release
// that listens on port. PID 1 asks before it destroys what the monitor named.
func (s *Socket) Connects(p Peer, port int) bool {
	local, remote := s.ports()
	return s.remote() == p.Addr.Addr().Unmap() && (local == port || remote == int(p.Addr.Port()))
}

// Destroy ends the connection as if its peer had reset it, and resets the peer
// (sock_diag(7), SOCK_DESTROY; it takes CAP_NET_ADMIN). The error is ENOENT where it is
// gone already, EOPNOTSUPP where the kernel has no CONFIG_INET_DIAG_DESTROY. The netlink
// library's SocketDestroy knows IPv4 only, and no number.
func (s *Socket) Destroy() error {
	fd, err := openDiag()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	const destroy = 21 // SOCK_DESTROY
	if err := sendDiag(fd, destroy, unix.NLM_F_ACK, s[0], 1<<established, s[4:]); err != nil {
		return err
	}
	var b [512]byte
	n, _, err := unix.Recvfrom(fd, b[:], 0)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(b[4:]) != unix.NLMSG_ERROR {
		return unix.EBADMSG
	}
	if code := int32(binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}

// CanDestroy says whether the kernel destroys sockets: it is asked for one that cannot be.
// A kernel without tcp_diag says ENOENT to that too, so it has to tell connections first.
func CanDestroy() bool {
	if connections(func(Socket, bool) {}) != nil {
		return false
	}
	none := Socket{0: unix.AF_INET}
	err := none.Destroy()
	return err == nil || err == unix.ENOENT
}
