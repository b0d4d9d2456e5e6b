package netcfg

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/beaminit/beaminit/config"
)

// Plan is what Apply will do to the network of this node.
type Plan struct {
	Hostname string // empty: leave the kernel's
	Links    []Link // lo first, and none before those that it is made of
}

// Link is one interface as it shall be.
type Link config.Network

// Make computes the plan. lo is always its first link; being up is all that lo
// needs, as the kernel then gives it 127.0.0.1/8 and ::1/128 itself. Without lo
// an Erlang VM hangs at its start.
func Make(hostname string, nets []config.Network) Plan {
	p := Plan{Hostname: hostname, Links: make([]Link, 1, len(nets)+1)}
	p.Links[0].Interface = "lo"
	for _, n := range nets {
		l := Link(n)
		l.Address = make([]netip.Prefix, len(n.Address))
		for i, a := range n.Address {
			l.Address[i] = unmap(a)
		}
		if l.Interface == "lo" {
			p.Links[0] = l
			continue
		}
		p.Links = append(p.Links, l)
	}
	var order []Link
	for depth := range len(p.Links) + 1 {
		for _, l := range p.Links {
			if p.depth(l.Interface, len(p.Links)) == depth {
				order = append(order, l)
			}
		}
	}
	p.Links = order
	return p
}

// depth is how many links lie below that of this name; most where they go round in a
// circle.
func (p Plan) depth(name string, most int) (depth int) {
	for i := range p.Links {
		if l := &p.Links[i]; l.Interface == name && most > 0 {
			for _, below := range l.below() {
				depth = max(depth, 1+p.depth(below, most-1))
			}
		}
	}
	return depth
}

// below are the names of the links that l is made of.
func (l *Link) below() []string {
	if l.VLAN.ID != 0 {
		return []string{l.VLAN.Parent}
	}
	return l.ports()
}

// ports are the links that are part of a bridge or a bond.
func (l *Link) ports() []string {
	if len(l.Bond.Ports) > 0 {
		return l.Bond.Ports
	}
	return l.Bridge.Ports
}

// made says whether l is a link that Apply makes.
func (l *Link) made() bool { return len(l.below()) > 0 }

// unmap makes ::ffff:192.168.7.6/120 the 192.168.7.6/24 that it means.
func unmap(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p
}

// validName says whether the kernel takes name as that of an interface: 1 to 15
// bytes, no '/', ':' or white space, neither "." nor ".." (dev_valid_name in
// net/core/dev.c).
func validName(name string) bool {
	if name == "" || len(name) > 15 || name == "." || name == ".." {
		return false
	}
	for i := 0; i < len(name); i++ {
		// 0xa0 is white space in the kernel's own ctype, which is Latin-1.
		switch c := name[i]; c {
		case 0, '/', ':', ' ', '\t', '\n', '\v', '\f', '\r', 0xa0:
			return false
		}
	}
	return true
}

// Lines says the plan in the words of hostname(1) and ip(8), one command a line.
// "replace" is exact: what is there already is no error.
func (p Plan) Lines() []string {
	var lines []string
	if p.Hostname != "" {
		lines = append(lines, "hostname "+p.Hostname)
	}
	for i, steps := range p.steps() {
		l := &p.Links[i]
		if l.First {
			lines = append(lines, "# "+l.Interface+" is the first link with a carrier, the one of this name before others")
		}
		if l.MAC != "" {
			lines = append(lines, "# "+l.Interface+" is the link with the address "+l.MAC)
		}
		if l.made() {
			lines = append(lines, l.makeCommand())
		}
		for _, s := range steps {
			lines = append(lines, s.command(l.Interface))
		}
		if l.DHCP {
			lines = append(lines, "# "+l.Interface+" gets an address by DHCP")
		}
		if l.LinkLocal {
			lines = append(lines, "# "+l.Interface+" takes an address of 169.254.0.0/16 that is free")
		}
	}
	return lines
}

// String is Lines as one text.
func (p Plan) String() string {
	return strings.Join(p.Lines(), "\n") + "\n"
}

// Problems says what can be seen to be wrong before anything is applied: a gateway that
// is this node itself, links that are made of each other, or that two links are made of.
func (p Plan) Problems() (errs []error) {
	owner := make(map[string]string)
	for i := range p.Links {
		l := &p.Links[i]
		where := "network." + l.Interface
		if p.depth(l.Interface, len(p.Links)) >= len(p.Links) {
			errs = append(errs, fmt.Errorf("%s: it is made of itself, by %s; it is left out", where, strings.Join(l.below(), ", ")))
		}
		for _, gw := range l.Gateway {
			errs = append(errs, p.ownGateway(where+".gateway", gw)...)
		}
		for _, r := range l.Route {
			errs = append(errs, p.ownGateway(where+".route", r.Via)...)
		}
		for _, port := range l.ports() {
			if other := owner[port]; other != "" {
				errs = append(errs, fmt.Errorf("%s: %s is a port of %s already; want each port once", where, port, other))
			}
			owner[port] = l.Interface
			errs = append(errs, p.ownOfPort(port, l.Interface)...)
		}
	}
	return errs
}

// ownOfPort says that a port has an address of its own, with which nobody would reach the
// node: what comes in at a port is the bridge's or the bond's.
func (p Plan) ownOfPort(port, above string) []error {
	for i := range p.Links {
		if l := &p.Links[i]; l.Interface == port && (len(l.Address) > 0 || l.DHCP || l.LinkLocal) {
			return []error{fmt.Errorf("network.%s: it is a port of %s, and what comes in is for that; "+
				"want the address in network.%[2]s", port, above)}
		}
	}
	return nil
}

func (p Plan) ownGateway(where string, gw netip.Addr) []error {
	for i := range p.Links {
		for _, a := range p.Links[i].Address {
			if gw.IsValid() && a.Addr() == gw.Unmap() {
				return []error{fmt.Errorf("%s: %s is this node's own address; want that of another machine on the link", where, gw)}
			}
		}
	}
	return nil
}
