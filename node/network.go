package node

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/hostsgen"
	"github.com/beaminit/beaminit/netcfg"
)

// The files that beaminit generates, and what shows them.
const (
	HostsTarget  = "/etc/hosts"
	ResolvTarget = "/etc/resolv.conf"
	InetrcPath   = RunDir + "/inetrc"
)

// sayNetwork says what is not as it shall be.
func (n *node) sayNetwork(s netcfg.Status) {
	n.say(health.Err, n.Net.Problems()...)
	n.say(health.Err, s.Errs...)
	for _, l := range s.Links {
		n.say(health.Err, l.Errs...)
		if l.State != netcfg.Ready {
			n.console.Say(health.Err, "network: "+l.Name+": "+l.State.String())
		}
	}
}

// networkWait is how long the start of the release waits for links that may still
// become ready: the longest wait of any of them.
func (n *Setup) networkWait(s netcfg.Status) (wait time.Duration) {
	if !s.Waiting() {
		return 0
	}
	for i, l := range s.Links {
		if l.State != netcfg.Ready && l.State != netcfg.Failed {
			wait = max(wait, n.Net.Links[i].Wait)
		}
	}
	return wait
}

// Hosts is the text of /etc/hosts, and what of the image's own is not in it.
func (n *Setup) Hosts() (text []byte, notes []string) {
	c := n.Config
	image, _ := n.Image.Read(HostsTarget)
	return hostsgen.Hosts(hostsgen.HostsInput{
		Hostname: c.Node.Hostname, Domain: c.Domain(), Own: n.address(), Peers: c.Peers, Image: image, Found: n.foundPeers(),
	})
}

// Resolv is the text of resolv.conf, from [dns], from the network, and from what the kernel
// was told by its own ip=; nil: nobody said anything, and the image's own stays.
func (n *Setup) Resolv() []byte {
	sources := []hostsgen.DNS{{Servers: n.Config.DNS.Servers, Search: n.Config.DNS.Search}}
	sources = append(sources, n.network.dns...)
	pnp, _ := n.Image.Read(kernelPNP)
	return hostsgen.Resolv(append(sources, hostsgen.ParseResolv(pnp))...)
}

// Inetrc lets ERTS resolve names with files and its own DNS client, without a
// helper program.
func (n *Setup) Inetrc() []byte {
	return hostsgen.Inetrc(RunDir+"/hosts", RunDir+"/resolv.conf")
}

// selfIndex is the index of this node in [peers], -1 where it is not there. A peer may
// be written with or without the domain.
func selfIndex(c *config.Config) int {
	host := c.Node.Hostname
	for i, p := range c.Peers {
		if p.Name == host || shortName(p.Name) == host || p.Name == shortName(host) {
			return i
		}
	}
	return -1
}

// CheckSelfInPeers finds the mistake that makes a node a stranger to its cluster: [peers],
// the same on all nodes, does not name it, or says another address than it has.
func CheckSelfInPeers(c *config.Config) []error {
	if len(c.Peers) == 0 {
		return nil
	}
	from, where := c.Origin("peers")
	if from == config.BuiltIn { // each was added by itself
		_, where = c.Origin("peers." + c.Peers[0].Name)
	}
	i := selfIndex(c)
	if i < 0 {
		return []error{fmt.Errorf("%s: peers: this node, %s, is none of them; want a line with its name and address, the same on all nodes",
			where, c.Node.Hostname)}
	}
	peer, own := c.Peers[i], address(c)
	for _, link := range c.Network {
		if link.DHCP && own.IsValid() { // it may be that of the lease
			return nil
		}
		for _, a := range link.Address {
			if a.Addr() == peer.Address {
				return nil
			}
		}
	}
	if !own.IsValid() { // none is configured: it may come from the kernel or by DHCP
		return nil
	}
	_, where = c.Origin("peers." + peer.Name)
	return []error{fmt.Errorf("%s: peers.%s is %v, but this node has %v; the others will look for it at the wrong place",
		where, peer.Name, peer.Address, own)}
}

// peerCount is how many other nodes there are.
func peerCount(c *config.Config) int {
	if selfIndex(c) >= 0 {
		return len(c.Peers) - 1
	}
	return len(c.Peers)
}

// address is the node's own, as its peers see it; the zero Addr where none is
// configured.
func address(c *config.Config) netip.Addr {
	for _, link := range c.Network {
		for _, a := range link.Address {
			return a.Addr()
		}
	}
	return netip.Addr{}
}

// OwnAddress is where peers find the node, as far as is known.
func (n *Setup) OwnAddress() netip.Addr {
	if i := selfIndex(n.Config); i >= 0 {
		return n.Config.Peers[i].Address
	}
	return n.address()
}

// shortName is a host name without its domain.
func shortName(host string) string {
	short, _, _ := strings.Cut(host, ".")
	return short
}
