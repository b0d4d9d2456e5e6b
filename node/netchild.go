package node

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/hostsgen"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

const (
	netDir    = RunDir + "/net" // what the network child reported of each link, for services and for the next child
	netName   = netDir + "/hostname"
	kernelPNP = "/proc/net/pnp" // what the kernel's own ip= was told (nfsroot.rst)
)

// network is what the network child has told.
type network struct {
	links       netcfg.Status
	dns         []hostsgen.DNS
	address     netip.Addr // of the first link that the network gave one
	named       bool       // the network named this node
	refusedName string     // the later name that was said and not taken
	written     []string   // the reports that the files have, by link
}

// netChild is the network child, in the form that the loop wants.
func (n *node) netChild(status netcfg.Status) supervise.Network {
	n.network.links = status
	if len(n.Net.Links) == 1 { // lo alone
		return supervise.Network{}
	}
	return supervise.Network{Command: n.netCommand, Report: n.netReport, Bad: n.badLinks}
}

func (n *node) netCommand() *launch.Command {
	orders := netcfg.Orders{Plan: n.Net, RunDir: netDir}
	if n.namedByNetwork() { // the server is not told a name that it is to give
		orders.Plan.Hostname = ""
	}
	keep := n.leaseDir()
	if keep != "" {
		orders.StateDir = "/proc/self/fd/3"
	}
	box := launch.Sandbox{Read: []string{"/proc", netDir}}
	if orders.StateDir != "" {
		box.Write = append(box.Write, orders.StateDir)
	}
	text, err := json.Marshal(orders)
	if err != nil { // of values that the configuration has checked, none is possible
		panic(err)
	}
	return &launch.Command{
		Path: "/proc/self/exe", Argv: []string{netcfg.ChildName, string(text)}, Dir: "/", Keep: keep,
		Bounds: launch.Own(launch.Nobody(launch.NetworkUID), box, "net_admin", "net_raw", "net_bind_service"),
	}
}

// leaseDir is where the child keeps leases for the next boot, its own; empty: nowhere. It
// gets it open, because it cannot reach what is above it.
func (n *Setup) leaseDir() string {
	for i := range n.Net.Links {
		if n.Net.Links[i].DHCP && n.StateDir != "" {
			return n.StateDir + "/net"
		}
	}
	return ""
}

// netReport takes over what the network child says, once it has been checked: states of
// links, and what a network says of name, addresses and name servers.
func (n *node) netReport(line []byte) (ready bool, peers []string) {
	r, err := n.Net.ParseReport(line)
	if err != nil {
		n.say(health.Err, fmt.Errorf("network: %w; it is not used", err))
		return false, nil
	}
	for _, text := range r.Say {
		n.console.Say(health.Notice, "network: "+text)
	}
	was := n.network.links
	n.network.links = n.Net.Status(r)
	for i, l := range n.network.links.Links {
		if l.State != was.Links[i].State {
			n.console.Say(health.Notice, "network: "+l.Name+": "+l.State.String())
		}
	}
	changed := n.keepReports(&r)
	if n.adoptName(&r) {
		peers = n.otherPeers()
		changed = true
	}
	if changed {
		n.adoptServers(&r)
		n.writeHosts()
	}
	return n.network.links.Ready(), peers
}

// badLinks names the links that are not well.
func (n *Setup) badLinks() (bad []string) {
	for _, l := range n.network.links.Links {
		if l.State != netcfg.Ready {
			bad = append(bad, l.Name+":"+l.State.String())
		}
	}
	return bad
}

// keepReports writes what is known of each link to a file of its own, and says whether
// anything is new.
func (n *node) keepReports(r *netcfg.Report) (changed bool) {
	if len(n.network.written) != len(r.Links) {
		n.network.written = make([]string, len(r.Links))
	}
	for i := range r.Links {
		text, err := json.Marshal(&r.Links[i])
		if err != nil || string(text) == n.network.written[i] {
			continue
		}
		n.network.written[i], changed = string(text), true
		unix.Mkdir(RunDir, 0o755)
		n.say(health.Err, hostsgen.Write(netDir, r.Links[i].Name+".json", append(text, '\n')))
		sources := r.Links[i].Name + ".sources"
		if text := timeSources(r.Links[i].Lease); len(text) > 0 || unix.Access(netDir+"/"+sources, unix.F_OK) == nil {
			n.say(health.Err, hostsgen.Write(netDir, sources, text))
		}
	}
	return changed
}

// timeSources are the NTP servers of a lease as chrony.conf(5) has them, for its sourcedir.
func timeSources(lease *netcfg.Lease) (text []byte) {
	if lease != nil {
		for _, a := range lease.NTP {
			text = append(append(append(text, "server "...), a.String()...), " iburst\n"...)
		}
	}
	return text
}

// adoptServers takes over what a network said of name servers and of this node's address.
func (n *node) adoptServers(r *netcfg.Report) {
	n.network.dns, n.network.address = nil, netip.Addr{}
	for _, l := range r.Links {
		var own netip.Addr
		if l.Lease != nil {
			own = l.Lease.Address.Addr()
			n.network.dns = append(n.network.dns, hostsgen.DNS{Servers: l.Lease.Servers, Search: l.Lease.Search})
		} else if p, err := netip.ParsePrefix(l.Local); err == nil {
			own = p.Addr()
		}
		if l.RA != nil {
			n.network.dns = append(n.network.dns, hostsgen.DNS{Servers: l.RA.Servers, Search: l.RA.Search})
		}
		if !n.network.address.IsValid() {
			n.network.address = own
		}
	}
}

// namedByNetwork says that nothing names this node but the network, if that does.
func (n *Setup) namedByNetwork() bool {
	from, _ := n.Config.Origin("node.hostname")
	return from <= config.Derived
}

// adoptName gives the node the host name of a lease, where nothing else names it and the
// release has not been started under another: a node that is named is one node for as long
// as it is up.
func (n *node) adoptName(r *netcfg.Report) (taken bool) {
	name := ""
	for _, l := range r.Links {
		if l.Lease != nil && name == "" {
			name = l.Lease.Hostname
		}
	}
	has := n.Config.Node.Hostname
	if name == "" || name == has || !n.namedByNetwork() || name == n.network.refusedName {
		return false
	}
	if n.network.named || n.release.tried || n.resumes() || len(name) > 64 {
		n.network.refusedName = name
		n.console.Say(health.Warning, "network: the DHCP server names this node "+name+" now; it stays "+has+" until the next boot")
		return false
	}
	n.setName(name)
	n.console.Say(health.Notice, "network: this node is "+name+", by the DHCP server; it was "+has)
	n.say(health.Err, unix.Sethostname([]byte(name)), hostsgen.Write(netDir, "hostname", []byte(name+"\n")))
	return true
}

func (n *node) setName(name string) {
	n.Config.Node.Hostname, n.Net.Hostname, n.release.name = name, name, ""
	n.network.named = true
}

// restoreName gives a node that nothing else names the name that the network gave it before
// PID 1 was executed again, or that the kernel was given by its own ip=.
func (n *node) restoreName() {
	if !n.namedByNetwork() {
		return
	}
	if text, err := n.Image.Read(netName); err == nil && netcfg.DomainName(strings.TrimSpace(string(text))) {
		n.setName(strings.TrimSpace(string(text)))
		return
	}
	pnp, _ := n.Image.Read(kernelPNP)
	if proto, _, _ := strings.Cut(string(pnp), "\n"); !strings.HasPrefix(proto, "#PROTO: ") {
		return
	}
	if name, err := os.Hostname(); err == nil && netcfg.DomainName(name) && name != "localhost" && len(name) <= 64 {
		n.setName(name)
	}
}

// otherPeers are the names of the peers that are not this node, in the order of Watch.
func (n *Setup) otherPeers() []string {
	peers, self := []string{}, selfIndex(n.Config)
	for i, p := range n.Config.Peers {
		if i != self && !n.Unnamed {
			peers = append(peers, p.Name)
		}
	}
	if !n.Unnamed {
		for i := range n.Found.Peers {
			peers = append(peers, n.Found.Peers[i].Name)
		}
	}
	return peers
}

// address is this node's own, as its peers see it: that of the configuration, else the one
// that the network gave; the zero Addr where there is none.
func (n *Setup) address() netip.Addr {
	if a := address(n.Config); a.IsValid() {
		return a
	}
	return n.network.address
}
