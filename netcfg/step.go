package netcfg

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// step is one request to the kernel about one link: what is printed of a plan is
// what is done.
type step interface {
	command(link string) string     // the ip(8) command that does the same
	do(link netlink.Link) error     // nil too where it was done before
	String() string                 // what it gives: "address 192.168.7.6/24"
	hint(l *Link, err error) string // why the kernel refused it, where that is known; else empty
}

type (
	setMTU     int // bytes
	setUp      struct{}
	addAddress netip.Prefix
)

// steps lists the requests of a plan, in the order in which the kernel gets them,
// for each of its links. The MTU comes before the addresses, because IPv6 does not
// live on a link with less than 1280.
func (p Plan) steps() [][]step {
	steps := make([][]step, len(p.Links))
	var defaults [2]int // default routes so far, of IPv4 and of IPv6
	for i := range p.Links {
		l := &p.Links[i]
		for _, port := range l.ports() {
			steps[i] = append(steps[i], addPort{port, len(l.Bond.Ports) > 0})
		}
		if l.MTU != 0 {
			steps[i] = append(steps[i], setMTU(l.MTU))
		}
		steps[i] = append(steps[i], setUp{})
		for _, a := range l.Address {
			steps[i] = append(steps[i], addAddress(a))
		}
		for _, gw := range l.Gateway {
			steps[i] = append(steps[i], l.gateway(gw.Unmap().WithZone(""), &defaults))
		}
		for _, r := range l.Route {
			via := r.Via.Unmap().WithZone("")
			steps[i] = append(steps[i], addRoute{unmap(r.To).Masked(), via, r.Metric, r.OnLink || l.offLink(via)})
		}
	}
	return steps
}

// addPort makes a link part of a bridge or a bond.
type addPort struct {
	name string
	bond bool
}

func (s addPort) command(link string) string { return "ip link set " + s.name + " master " + link }

// do leaves out a port that is not there: it is added when it comes. A bond takes a
// port only while that is down, and brings it up itself (bonding.rst).
func (s addPort) do(link netlink.Link) error {
	port, err := netlink.LinkByName(s.name)
	if isAbsent(err) {
		return nil
	}
	if err != nil || port.Attrs().MasterIndex == link.Attrs().Index {
		return err
	}
	if s.bond {
		if err := netlink.LinkSetDown(port); err != nil {
			return err
		}
	}
	if err := netlink.LinkSetMaster(port, link); err != nil {
		return err
	}
	return netlink.LinkSetUp(port)
}

func (s addPort) String() string         { return "port " + s.name }
func (addPort) hint(*Link, error) string { return "" }

func (s setMTU) command(link string) string {
	return "ip link set " + link + " mtu " + strconv.Itoa(int(s))
}
func (s setMTU) do(link netlink.Link) error { return netlink.LinkSetMTU(link, int(s)) }
func (s setMTU) String() string             { return "MTU " + strconv.Itoa(int(s)) }
func (setMTU) hint(*Link, error) string     { return "" }

func (setUp) command(link string) string { return "ip link set " + link + " up" }

// do leaves a link alone that is up: in a container nobody may touch it.
func (setUp) do(link netlink.Link) error {
	if link.Attrs().RawFlags&unix.IFF_UP != 0 {
		return nil
	}
	return netlink.LinkSetUp(link)
}
func (setUp) String() string           { return "up" }
func (setUp) hint(*Link, error) string { return "" }

func (s addAddress) command(link string) string {
	p := netip.Prefix(s)
	c := "ip address replace " + p.String() + " dev " + link
	if p.Addr().Is6() {
		c += " nodad"
	}
	return c
}

// do asks for no duplicate address detection: an appliance's address is its own, and
// the second that it takes would delay every boot (ip-address(8), nodad).
func (s addAddress) do(link netlink.Link) error {
	p := netip.Prefix(s)
	if !p.IsValid() {
		return unix.EINVAL
	}
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	return netlink.AddrReplace(link, a)
}

func (s addAddress) String() string         { return "address " + netip.Prefix(s).String() }
func (addAddress) hint(*Link, error) string { return "" }

// ipNet is p in the type of the library, with the host part.
func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// refusal is the error of a step that the kernel refused on l.
func refusal(s step, l *Link, err error) error {
	if hint := s.hint(l, err); hint != "" {
		var errno unix.Errno
		if errors.As(err, &errno) {
			err = errno // in the place of the kernel's own words
		}
		return fmt.Errorf("%s on %s: %w: %s", s, l.Interface, err, hint)
	}
	return fmt.Errorf("%s on %s: %w", s, l.Interface, err)
}
