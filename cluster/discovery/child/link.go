package child

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const port = 5353

var (
	group4 = netip.AddrFrom4([4]byte{224, 0, 0, 251})
	group6 = netip.MustParseAddr("ff02::fb")
)

// link is one link that mDNS is spoken on.
type link struct {
	ifi      net.Interface
	addrs    []netip.Addr // that others can reach this node at
	all      []netip.Addr // and those that its packets come from too
	prefixes []netip.Prefix
	conn4    *os.File
	conn6    *os.File
	answerAt time.Time // when this node is to be announced on it; zero: nobody asked
	answered time.Time
	first    int // announcements so far
}

// watchLinks tells when a link or an address of this machine comes, goes or changes
// (rtnetlink(7)). Where the kernel does not say, linkPace finds out.
func watchLinks(moved chan<- struct{}) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return
	}
	for {
		if _, _, err := s.Receive(); err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
			return
		}
		select {
		case moved <- struct{}{}:
		default: // one is enough
		}
	}
}

// same says whether another look at a link found it as it was.
func (l *link) same(other *link) bool {
	return l.ifi.Index == other.ifi.Index && slices.Equal(l.addrs, other.addrs) && slices.Equal(l.prefixes, other.prefixes)
}

// near says whether an address is one of the link: nothing else is heard (RFC 6762, 11).
func (l *link) near(a netip.Addr) bool {
	return a.IsLinkLocalUnicast() || slices.ContainsFunc(l.prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// open joins the groups of mDNS, of the kinds of addresses that the link has.
func (l *link) open(packets chan<- packet) error {
	var err4, err6 error
	l.conn4, err4 = listen(group4, &l.ifi)
	l.conn6, err6 = listen(group6, &l.ifi)
	if l.conn4 == nil && l.conn6 == nil {
		if err4 != nil {
			return err4
		}
		return err6
	}
	for _, conn := range [...]*os.File{l.conn4, l.conn6} {
		if conn != nil {
			go l.read(conn, packets)
		}
	}
	return nil
}

// listen makes a socket that hears a group on one link, and speaks to it there.
// net.ListenMulticastUDP goes by the address of the link, which may change, and brings more of
// package net with it.
func listen(group netip.Addr, ifi *net.Interface) (*os.File, error) {
	family := unix.AF_INET
	if group.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if group.Is6() {
		err = join6(fd, group, ifi)
	} else {
		err = join4(fd, group, ifi)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("join %s: %w", group, err)
	}
	return os.NewFile(uintptr(fd), group.String()), nil
}

// join4 binds a socket to the group on a link (ip(7)): it hears that link alone, no router
// passes on what it sends (RFC 6762, 11), and programs of this machine, such as avahi-daemon,
// have the port too and hear it.
func join4(fd int, group netip.Addr, ifi *net.Interface) error {
	err := options(fd, [][3]int{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0},
		{unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 255},
		{unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 1},
	})
	m := unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(ifi.Index)}
	if err == nil {
		err = unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &m)
	}
	if err == nil {
		err = unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &m)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: group.As4()})
	}
	return err
}

// join6 is join4 for IPv6 (ipv6(7)).
func join6(fd int, group netip.Addr, ifi *net.Interface) error {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0) // of Linux 4.20
	err := options(fd, [][3]int{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
		{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 255},
		{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 1},
		{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, ifi.Index},
	})
	m := unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(ifi.Index)}
	if err == nil {
		err = unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &m)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet6{Port: port, Addr: group.As16(), ZoneId: uint32(ifi.Index)})
	}
	return err
}

func options(fd int, list [][3]int) error {
	for _, o := range list {
		if err := unix.SetsockoptInt(fd, o[0], o[1], o[2]); err != nil {
			return err
		}
	}
	return nil
}

// read hands on what comes, at no more than a thousand packets a second: what a flood brings
// beyond that the kernel drops.
func (l *link) read(conn *os.File, packets chan<- packet) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	b := make([]byte, maxPacket)
	for {
		var n int
		var from unix.Sockaddr
		var wrong error
		err := raw.Read(func(fd uintptr) bool {
			n, from, wrong = unix.Recvfrom(int(fd), b, 0)
			return wrong != unix.EAGAIN && wrong != unix.EINTR
		})
		if err != nil {
			return // it was closed
		}
		if wrong == nil {
			packets <- packet{l, l.sender(from), slices.Clone(b[:n])}
		}
		time.Sleep(packetPace)
	}
}

// sender is who sent a packet.
func (l *link) sender(from unix.Sockaddr) (a netip.AddrPort) {
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		a = netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(from.Port))
	case *unix.SockaddrInet6:
		addr := netip.AddrFrom16(from.Addr)
		if addr.IsLinkLocalUnicast() {
			addr = addr.WithZone(l.ifi.Name)
		}
		a = netip.AddrPortFrom(addr, uint16(from.Port))
	}
	return a
}

// send sends to all of the link, or to one. What is lost is asked for again.
func (l *link) send(text []byte, to netip.AddrPort) {
	if to.IsValid() {
		if to.Addr().Is4() {
			write(l.conn4, text, to)
		} else {
			write(l.conn6, text, to)
		}
		return
	}
	write(l.conn4, text, netip.AddrPortFrom(group4, port))
	write(l.conn6, text, netip.AddrPortFrom(group6.WithZone(l.ifi.Name), port))
}

func write(conn *os.File, text []byte, to netip.AddrPort) {
	if conn == nil {
		return
	}
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Sendto(int(fd), text, unix.MSG_DONTWAIT, sockaddr(to)) })
	}
}

func (l *link) close() {
	for _, conn := range [...]*os.File{l.conn4, l.conn6} {
		if conn != nil {
			conn.Close()
		}
	}
}
