package child

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const port = 5353

var (
	group4 = net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port}
	group6 = net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: port}
)

// link is one link that mDNS is spoken on.
type link struct {
	ifi      net.Interface
	addrs    []netip.Addr // that others can reach this node at
	all      []netip.Addr // and those that its packets come from too
	prefixes []netip.Prefix
	conn4    *net.UDPConn
	conn6    *net.UDPConn
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
	l.conn4, err4 = listen("udp4", &l.ifi, &group4)
	l.conn6, err6 = listen("udp6", &l.ifi, &group6)
	if l.conn4 == nil && l.conn6 == nil {
		if err4 != nil {
			return err4
		}
		return err6
	}
	for _, conn := range [...]*net.UDPConn{l.conn4, l.conn6} {
		if conn != nil {
			go l.read(conn, packets)
		}
	}
	return nil
}

// listen is net.ListenMulticastUDP with what that does not say: packets of that link alone,
// and a TTL that no router passes on (RFC 6762, 11). Programs of this machine, such as
// avahi-daemon, hear it too.
func listen(network string, ifi *net.Interface, group *net.UDPAddr) (*net.UDPConn, error) {
	conn, err := net.ListenMulticastUDP(network, ifi, group)
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		var wrong error
		err = raw.Control(func(fd uintptr) { wrong = options(int(fd), network == "udp6") })
		if err == nil {
			err = wrong
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func options(fd int, ipv6 bool) error {
	level, list := unix.IPPROTO_IP, [...][2]int{{unix.IP_MULTICAST_ALL, 0}, {unix.IP_MULTICAST_TTL, 255}, {unix.IP_MULTICAST_LOOP, 1}}
	if ipv6 {
		level, list = unix.IPPROTO_IPV6, [...][2]int{{unix.IPV6_MULTICAST_ALL, 0}, {unix.IPV6_MULTICAST_HOPS, 255}, {unix.IPV6_MULTICAST_LOOP, 1}}
	}
	for i, o := range list {
		err := unix.SetsockoptInt(fd, level, o[0], o[1])
		if err != nil && !(i == 0 && err == syscall.ENOPROTOOPT) { // IPV6_MULTICAST_ALL is of Linux 4.20
			return err
		}
	}
	return nil
}

// read hands on what comes, at no more than a thousand packets a second: what a flood brings
// beyond that the kernel drops.
func (l *link) read(conn *net.UDPConn, packets chan<- packet) {
	b := make([]byte, maxPacket)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return // it was closed
		}
		packets <- packet{l, from, slices.Clone(b[:n])}
		time.Sleep(packetPace)
	}
}

// send sends to all of the link, or to one. What is lost is asked for again.
func (l *link) send(text []byte, to *net.UDPAddr) {
	if to != nil {
		conn := l.conn4
		if to.IP.To4() == nil {
			conn = l.conn6
		}
		if conn != nil {
			_, _ = conn.WriteTo(text, to)
		}
		return
	}
	if l.conn4 != nil {
		_, _ = l.conn4.WriteTo(text, &group4)
	}
	if l.conn6 != nil {
		_, _ = l.conn6.WriteTo(text, &net.UDPAddr{IP: group6.IP, Port: port, Zone: l.ifi.Name})
	}
}

func (l *link) close() {
	for _, conn := range [...]*net.UDPConn{l.conn4, l.conn6} {
		if conn != nil {
			conn.Close()
		}
	}
}
