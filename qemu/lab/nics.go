package lab

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/beaminit/beaminit/qemu/lan"
)

// LANSpec is a LAN before it runs.
type LANSpec struct {
	Name   string // empty: the only one
	Prefix netip.Prefix
}

// NIC is a network card of a node.
type NIC struct {
	LAN     string
	Address netip.Addr // not valid: the node is told none, and has what its own configuration says
}

// LAN is the network of a lab whose LANs nobody names.
var LAN = netip.MustParsePrefix(Gateway + "/24").Masked()

// orOnly are the LANs that there are.
func orOnly(lans []LANSpec) []LANSpec {
	if len(lans) == 0 {
		return []LANSpec{{Prefix: LAN}}
	}
	return lans
}

// Host is the address of a host of a LAN, by its number.
func (l LANSpec) Host(number int) netip.Addr {
	a := l.Prefix.Masked().Addr()
	for range number {
		a = a.Next()
	}
	return a
}

// mask is the netmask of a LAN.
func (l LANSpec) mask() string { return net.IP(net.CIDRMask(l.Prefix.Bits(), 32)).String() }

// lanNamed gives the LAN of that name.
func lanNamed(lans []LANSpec, name string) (LANSpec, bool) {
	i := slices.IndexFunc(lans, func(l LANSpec) bool { return l.Name == name })
	if i < 0 {
		return LANSpec{}, false
	}
	return lans[i], true
}

// card is a network card of a node that runs.
type card struct {
	name string // eth0
	on   LANSpec
	addr netip.Addr
	mac  string
}

// cards are the network cards of a node, in a machine that has any.
func (s NodeSpec) cards(lans []LANSpec) (list []card) {
	lans, nics := orOnly(lans), s.NICs
	if len(nics) == 0 {
		nics = []NIC{{lans[0].Name, s.Address}}
	}
	var a [4]byte
	if s.Address.Is4() {
		a = s.Address.As4()
	}
	for i, nic := range nics {
		on, _ := lanNamed(lans, nic.LAN)
		mac := fmt.Sprintf("52:54:%02x:%02x:%02x:%02x", i, a[1], a[2], a[3])
		list = append(list, card{fmt.Sprintf("eth%d", i), on, nic.Address, mac})
	}
	return list
}

// at is where the card's port is.
func (n *Node) at(c card) lan.At {
	at := lan.At{LAN: c.on.Name, Node: n.Spec.Name}
	if len(n.cards) > 1 {
		at.Card = c.name
	}
	return at
}

// words say on the kernel command line what the card's address is: of the first as the kernel's own ip=,
// with the name of the node and a gateway, which is nobody.
func (c card) words(host string) []string {
	switch {
	case !c.addr.IsValid():
		return nil
	case c.name == "eth0":
		return []string{fmt.Sprintf("ip=%s::%s:%s:%s:eth0:off", c.addr, c.on.Host(1), c.on.mask(), host)}
	}
	return []string{fmt.Sprintf("beaminit.network.%s.address=%s/%d", c.name, c.addr, c.on.Prefix.Bits())}
}

// on tells whether the node has a card on a LAN.
func (n *Node) on(name string) bool {
	return slices.ContainsFunc(n.cards, func(c card) bool { return c.on.Name == name })
}
