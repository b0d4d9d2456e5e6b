package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
)

// MinMemory is what a node boots with, in MiB: below it the kernel has no room to unpack its
// initramfs.
const MinMemory = 128

// MaxMemory is more than any board has, in MiB.
const MaxMemory = 1 << 16

// maxNICs are the network cards of a node that QEMU's PCI bus has places for.
const maxNICs = 8

// Check gives all that is wrong with the LANs and the nodes, before anything is booted: it would be seen
// after a minute, in another form.
func Check(lans []LANSpec, nodes []NodeSpec) error {
	if len(nodes) == 0 {
		return errors.New("a lab needs at least one node")
	}
	c := checker{lans: orOnly(lans), names: map[string]bool{}, addresses: map[netip.Addr]string{}}
	if c.checkLANs(); len(c.errs) > 0 {
		return errors.Join(c.errs...)
	}
	for i, n := range nodes {
		if n.Name == "" {
			c.errs = append(c.errs, fmt.Errorf("node %d of %d has no name", i+1, len(nodes)))
			continue
		}
		c.name(n)
		c.nics(n)
		c.clock(n)
		if n.Memory != 0 && (n.Memory < MinMemory || n.Memory > MaxMemory) {
			c.wrong(n, "mem = %d: a node boots with %d MiB and more, %d at most", n.Memory, MinMemory, MaxMemory)
		}
		if n.CPUs < 0 || n.CPUs > 16 {
			c.wrong(n, "cpus = %d: from 1 to 16", n.CPUs)
		}
	}
	return errors.Join(c.errs...)
}

// checker gathers what is wrong.
type checker struct {
	lans      []LANSpec
	names     map[string]bool
	addresses map[netip.Addr]string // whose they are
	errs      []error
}

func (c *checker) wrong(n NodeSpec, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("node %q: "+format, append([]any{n.Name}, args...)...))
}

func (c *checker) checkLANs() {
	say := func(format string, args ...any) { c.errs = append(c.errs, fmt.Errorf(format, args...)) }
	names := map[string]bool{}
	for i, l := range c.lans {
		switch {
		case l.Name == "" && len(c.lans) > 1:
			say("lan %d of %d has no name", i+1, len(c.lans))
		case l.Name != "" && !config.HostName(l.Name):
			say("lan %q: want a name of letters, digits and inner hyphens, such as \"field\"", l.Name)
		case names[l.Name]:
			say("lan %q: two LANs have this name", l.Name)
		}
		names[l.Name] = true
		if p := l.Prefix; !p.IsValid() || !p.Addr().Is4() || p.Bits() > 29 || p != p.Masked() {
			say("lan %q: address %v: want an IPv4 network of eight addresses or more, such as \"10.20.0.0/24\"", l.Name, p)
		}
		for _, o := range c.lans[:i] {
			if o.Prefix.IsValid() && l.Prefix.IsValid() && o.Prefix.Overlaps(l.Prefix) {
				say("lan %q: address %v overlaps that of %q, %v", l.Name, l.Prefix, o.Name, o.Prefix)
			}
		}
	}
}

// reserved are names that would be taken for something else.
var reserved = map[string]string{
	onWord:  "a fault's word for a LAN",
	allWord: "a fault's word for every node",
	"any":   "a scenario's word for one of them",
	"lab":   "what lab join is called on the LAN",
}

var isGuest = regexp.MustCompile(`^guest\d+$`) // see lan.Switch.Listen

func (c *checker) name(n NodeSpec) {
	switch _, isAddress := netip.ParseAddr(n.Name); {
	case isAddress == nil:
		c.wrong(n, "its name is an address; want a host name such as \"eclero6\"")
	case !config.HostName(n.Name):
		c.wrong(n, "want a host name: letters, digits and inner hyphens, such as \"eclero6\"")
	case reserved[n.Name] != "":
		c.wrong(n, "%s is no name for a node", reserved[n.Name])
	case isGuest.MatchString(n.Name):
		c.wrong(n, "what joins the LAN is called so; want another name")
	case c.names[n.Name]:
		c.wrong(n, "two nodes have this name")
	}
	c.names[n.Name] = true
}

func (c *checker) nics(n NodeSpec) {
	if len(n.NICs) > maxNICs {
		c.wrong(n, "%d network cards: %d at most", len(n.NICs), maxNICs)
	}
	met := false
	for i, nic := range n.NICs {
		on, known := lanNamed(c.lans, nic.LAN)
		if !known {
			c.wrong(n, "eth%d: there is no lan %q; there are %s", i, nic.LAN, lanNames(c.lans))
			continue
		}
		met = met || nic.Address.IsValid() && nic.Address == n.Address && on.Name == c.lans[0].Name
		if nic.Address.IsValid() {
			c.address(n, on, nic.Address)
		}
	}
	switch {
	case len(n.NICs) == 0:
		c.address(n, c.lans[0], n.Address)
	case !met:
		c.wrong(n, "none of its cards has an address on lan %q, the first, where the nodes meet", c.lans[0].Name)
	}
}

// address checks one of a node's, on a LAN.
func (c *checker) address(n NodeSpec, on LANSpec, a netip.Addr) {
	name := "the lab's LAN"
	if on.Name != "" {
		name = "lan " + strconv.Quote(on.Name)
	}
	switch other, taken := c.addresses[a]; {
	case !on.Prefix.Contains(a) || a == on.Prefix.Addr() || !on.Prefix.Contains(a.Next()):
		c.wrong(n, "address %v is none of a host in %v, %s", a, on.Prefix, name)
	case a == on.Host(1):
		c.wrong(n, "address %v is the gateway's, and that of lab join", a)
	case taken:
		c.wrong(n, "address %v is that of %q", a, other)
	}
	c.addresses[a] = n.Name
}

// clock checks what a node's clock is to say: QEMU would, of each node when it starts.
func (c *checker) clock(n NodeSpec) {
	if n.RTC == "" || n.RTC == "utc" || n.RTC == "localtime" {
		return
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02"} {
		if _, err := time.Parse(layout, n.RTC); err == nil {
			return
		}
	}
	c.wrong(n, "rtc = %q: want a time such as \"2026-01-02T15:04:05\" or a day", n.RTC)
}

func lanNames(lans []LANSpec) string {
	var names []string
	for _, l := range lans {
		names = append(names, strconv.Quote(l.Name))
	}
	return strings.Join(names, ", ")
}
