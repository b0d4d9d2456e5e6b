package netcfg

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
)

// Plan is what Apply will do to the network of this node.
type Plan struct {
	Hostname string // empty: leave the kernel's
	Links    []Link // lo first
	Resolv   []byte // text of resolv.conf(5); nil: no name server, no file
}

// Link is one interface as it shall be.
type Link struct {
	Name    string
	Address []netip.Prefix // with the host part: 192.168.7.6/24
	Gateway []netip.Addr   // of a default route each; the first of a family wins
	MTU     int            // bytes; 0: as the driver has it
	Wait    time.Duration  // how long the boot may wait for Ready; Apply does not wait
}

// Make computes the plan. lo is always its first link; being up is all that lo
// needs, as the kernel then gives it 127.0.0.1/8 and ::1/128 itself. Without lo
// an Erlang VM hangs at its start.
func Make(hostname string, nets []config.Network, dns config.DNS) Plan {
	links := make([]Link, 1, len(nets)+1)
	links[0].Name = "lo"
	for i := range nets {
		n := &nets[i]
		l := Link{Name: n.Interface, Address: n.Address, Gateway: n.Gateway, MTU: n.MTU, Wait: n.Wait}
		if l.Name == "lo" {
			links[0] = l
			continue
		}
		links = append(links, l)
	}
	return Plan{Hostname: hostname, Links: links, Resolv: resolv(dns)}
}

// resolv writes resolv.conf(5). A search list without a server would make the C
// library ask 127.0.0.1, so it gives no file.
func resolv(dns config.DNS) []byte {
	if len(dns.Servers) == 0 {
		return nil
	}
	b := append(make([]byte, 0, 256), "# written by beaminit from [dns]\n"...)
	for _, s := range dns.Servers {
		b = append(b, "nameserver "...)
		b = append(s.Unmap().AppendTo(b), '\n')
	}
	for i, s := range dns.Search {
		if i == 0 {
			b = append(b, "search"...)
		}
		b = append(append(b, ' '), s...)
		if i == len(dns.Search)-1 {
			b = append(b, '\n')
		}
	}
	return b
}

// ValidName says whether the kernel takes name as that of an interface: 1 to 15
// bytes, no '/', ':' or white space, neither "." nor ".." (dev_valid_name in
// net/core/dev.c).
func ValidName(name string) bool {
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

// What a step does.
type op uint8

const (
	setMTU op = iota
	setUp
	addAddress
	addGateway
	ask // what became of the link
)

// step is one rtnetlink request of a plan: what is printed is what is sent. It is
// small, because a boot pays for every new page it touches.
type step struct {
	op     op
	metric uint8  // of addGateway: how many default routes of its family are stronger
	link   uint16 // index in Plan.Links
	n      uint16 // index in its Address or Gateway
}

// steps lists the requests of a plan in the order in which the kernel gets them.
// The MTU has a request of its own, because the kernel drops the rest of a
// request whose MTU it refuses; and it comes before the addresses, because IPv6
// does not live on a link with less than 1280.
func (p Plan) steps() []step {
	steps := make([]step, 0, 8*len(p.Links))
	var defaults4, defaults6 uint8
	for i := range p.Links {
		l, at := &p.Links[i], uint16(i)
		if l.MTU != 0 {
			steps = append(steps, step{op: setMTU, link: at})
		}
		steps = append(steps, step{op: setUp, link: at})
		for n := range l.Address {
			steps = append(steps, step{op: addAddress, link: at, n: uint16(n)})
		}
		for n := range l.Gateway {
			stronger := &defaults4
			if l.Gateway[n].Unmap().Is6() {
				stronger = &defaults6
			}
			steps = append(steps, step{op: addGateway, link: at, n: uint16(n), metric: *stronger})
			*stronger++
		}
	}
	for i := range p.Links {
		steps = append(steps, step{op: ask, link: uint16(i)})
	}
	return steps
}

// address is what addAddress gives to l.
func (s step) address(l *Link) netip.Prefix { return unmap(l.Address[s.n]) }

// gateway is where the default route of addGateway leads.
func (s step) gateway(l *Link) netip.Addr { return l.Gateway[s.n].Unmap() }

// unmap makes ::ffff:192.168.7.6/120 the 192.168.7.6/24 that it means.
func unmap(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p
}

// ipv6Metric is what the kernel gives an IPv6 route that names no metric.
const ipv6Metric = 1024

// priority is the metric of a route to gw for the kernel; 0: none is named.
func (s step) priority(gw netip.Addr) uint32 {
	if s.metric == 0 || gw.Is4() {
		return uint32(s.metric)
	}
	return ipv6Metric + uint32(s.metric)
}

// Lines says the plan in the words of hostname(1) and ip(8), one command a line.
// "replace" is exact: what is there already is no error.
func (p Plan) Lines() []string {
	var lines []string
	if p.Hostname != "" {
		lines = append(lines, "hostname "+p.Hostname)
	}
	for _, s := range p.steps() {
		if s.op != ask {
			lines = append(lines, s.command(&p.Links[s.link]))
		}
	}
	return lines
}

// String is Lines as one text.
func (p Plan) String() string {
	return strings.Join(p.Lines(), "\n") + "\n"
}

// command is the ip(8) command that does what s does to l.
func (s step) command(l *Link) string {
	switch s.op {
	case setMTU:
		return "ip link set " + l.Name + " mtu " + strconv.Itoa(l.MTU)
	case setUp:
		return "ip link set " + l.Name + " up"
	case addAddress:
		a := s.address(l)
		if a.Addr().Is6() {
			return "ip address replace " + a.String() + " dev " + l.Name + " nodad"
		}
		return "ip address replace " + a.String() + " dev " + l.Name
	case addGateway:
		gw := s.gateway(l)
		c := "ip route replace default via "
		if gw.Is6() {
			c = "ip -6 route replace default via "
		}
		c += gw.WithZone("").String() + " dev " + l.Name
		if s.metric > 0 {
			c += " metric " + strconv.Itoa(int(s.priority(gw)))
		}
		return c
	}
	return "ip link show " + l.Name
}
