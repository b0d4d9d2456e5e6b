package netcfg

import (
	"net/netip"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
)

// Plan is what Apply will do to the network of this node.
type Plan struct {
	Hostname string // empty: leave the kernel's
	Links    []Link // lo first
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
func Make(hostname string, nets []config.Network) Plan {
	links := make([]Link, 1, len(nets)+1)
	links[0].Name = "lo"
	for i := range nets {
		n := &nets[i]
		l := Link{Name: n.Interface, Gateway: n.Gateway, MTU: n.MTU, Wait: n.Wait}
		for _, a := range n.Address {
			l.Address = append(l.Address, unmap(a))
		}
		if l.Name == "lo" {
			links[0] = l
			continue
		}
		links = append(links, l)
	}
	return Plan{Hostname: hostname, Links: links}
}

// unmap makes ::ffff:192.168.7.6/120 the 192.168.7.6/24 that it means.
func unmap(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p
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

// Lines says the plan in the words of hostname(1) and ip(8), one command a line.
// "replace" is exact: what is there already is no error.
func (p Plan) Lines() []string {
	var lines []string
	if p.Hostname != "" {
		lines = append(lines, "hostname "+p.Hostname)
	}
	for i, steps := range p.steps() {
		for _, s := range steps {
			lines = append(lines, s.command(p.Links[i].Name))
		}
	}
	return lines
}

// String is Lines as one text.
func (p Plan) String() string {
	return strings.Join(p.Lines(), "\n") + "\n"
}
