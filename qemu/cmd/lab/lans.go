package main

import (
	"fmt"
	"net/netip"

	labpkg "github.com/beaminit/beaminit/qemu/lab"
)

// fileLAN is a LAN of a lab file.
type fileLAN struct {
	Name    string       `toml:"name"`
	Address netip.Prefix `toml:"address"`
}

// fileNIC is a network card of a node in a lab file.
type fileNIC struct {
	LAN     string `toml:"lan"`
	Address string `toml:"address"` // "none": the node is told none; not given: that of its place in the file
}

// noAddress is what a card has as its address that shall have none of the lab's.
const noAddress = "none"

type fileLANs []fileLAN

// specs are the LANs of a file; nil: it names none.
func (list fileLANs) specs() (lans []labpkg.LANSpec) {
	for _, l := range list {
		lans = append(lans, labpkg.LANSpec{Name: l.Name, Prefix: l.Address})
	}
	return lans
}

// hostNumber is that of the node in this place on each LAN, where the file says no address: 6, 8, 10 and so on.
func hostNumber(place int) int { return 6 + 2*place }

// nics takes over a node's network cards; its address is that of the card on the first LAN.
func (s setup) nics(spec *labpkg.NodeSpec, place int, n fileNode) error {
	if n.Address.IsValid() {
		return fmt.Errorf("node %q: address is that of its only network card, and each [[node.nic]] has its own", n.Name)
	}
	for i, nic := range n.NICs {
		var on labpkg.LANSpec
		for _, l := range s.lans.specs() {
			if l.Name == nic.LAN {
				on = l
			}
		}
		card := labpkg.NIC{LAN: nic.LAN}
		switch {
		case nic.Address == noAddress:
		case nic.Address != "":
			var err error
			if card.Address, err = netip.ParseAddr(nic.Address); err != nil {
				return fmt.Errorf("node %q: eth%d: address %q: want one of the LAN, or %q", n.Name, i, nic.Address, noAddress)
			}
		case on.Prefix.IsValid():
			card.Address = on.Host(hostNumber(place))
		}
		spec.NICs = append(spec.NICs, card)
		if len(s.lans) > 0 && nic.LAN == s.lans[0].Name && !spec.Address.IsValid() {
			spec.Address = card.Address
		}
	}
	return nil
}
