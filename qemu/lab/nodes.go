package lab

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/beaminit/beaminit/config"
)

// LAN is the network of the lab's nodes.
var LAN = netip.MustParsePrefix(Gateway + "/24").Masked()

// MinMemory is what a node boots with, in MiB: below it the kernel has no room to unpack its
// initramfs.
const MinMemory = 128

// CheckNodes gives all that is wrong with the nodes, before anything is booted: it would be seen
// after a minute, in another form.
func CheckNodes(nodes []NodeSpec) error {
	if len(nodes) == 0 {
		return errors.New("a lab needs at least one node")
	}
	var errs []error
	names, addresses := map[string]bool{}, map[netip.Addr]string{}
	for i, n := range nodes {
		wrong := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("node %q: "+format, append([]any{n.Name}, args...)...))
		}
		switch _, isAddress := netip.ParseAddr(n.Name); {
		case n.Name == "":
			errs = append(errs, fmt.Errorf("node %d of %d has no name", i+1, len(nodes)))
		case isAddress == nil:
			wrong("its name is an address; want a host name such as \"eclero6\"")
		case !config.HostName(n.Name):
			wrong("want a host name: letters, digits and inner hyphens, such as \"eclero6\"")
		case names[n.Name]:
			wrong("two nodes have this name")
		}
		names[n.Name] = true
		switch other, taken := addresses[n.Address]; {
		case !LAN.Contains(n.Address) || n.Address == LAN.Addr() || n.Address.As4()[3] == 255:
			wrong("address %v is none of a host in %v, the lab's LAN", n.Address, LAN)
		case n.Address.String() == Gateway:
			wrong("address %v is the gateway's, and that of lab join", n.Address)
		case taken:
			wrong("address %v is that of %q", n.Address, other)
		}
		addresses[n.Address] = n.Name
		if n.Memory != 0 && n.Memory < MinMemory {
			wrong("mem = %d: a node boots with %d MiB and more", n.Memory, MinMemory)
		}
		if n.CPUs < 0 || n.CPUs > 16 {
			wrong("cpus = %d: from 1 to 16", n.CPUs)
		}
	}
	return errors.Join(errs...)
}
