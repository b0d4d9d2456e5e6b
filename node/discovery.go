package node

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/hostsgen"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"
)

// foundFile is where PID 1 keeps which peers it believes in, for status and for the PID 1
// after this one.
const foundFile = RunDir + "/found.json"

// beginDiscovery is the child that finds peers, in the form that the loop wants.
func (n *node) beginDiscovery() supervise.Discovery {
	d := &n.Config.Discovery
	if !finds(d) {
		return supervise.Discovery{}
	}
	key, err := n.discoveryKey()
	if err != nil { // open to all was not what was wanted
		n.say(health.Err, fmt.Errorf("discovery.key_file: %w; nothing is found by mdns", err))
		d.MDNS = false
	}
	if n.resumes() {
		n.Found.Peers = Found(&n.Image)
	}
	return supervise.Discovery{
		Command: func() (*launch.Command, []byte) { return n.discoveryCommand(key) },
		Report:  n.discoveryReport, Found: n.Found.Has, Open: d.MDNS && len(key) == 0,
	}
}

// discoveryKey is what announcements are signed with: a hash of the key file's content, so
// that the child need not have the key itself.
func (n *node) discoveryKey() ([]byte, error) {
	path := n.Config.Discovery.KeyFile
	if path == "" || !n.Config.Discovery.MDNS {
		return nil, nil
	}
	key, err := n.readKey(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte("beaminit discovery\n"), key...))
	return sum[:], nil
}

func (n *node) discoveryCommand(key []byte) (cmd *launch.Command, orders []byte) {
	c, d := n.Config, n.distribution()
	o := discovery.Orders{
		File: c.Discovery.File, DNS: c.Discovery.DNS, MDNS: c.Discovery.MDNS && !n.Unnamed, Key: key, Limit: c.Discovery.Limit,
		Resolv: RunDir + "/" + path.Base(ResolvTarget), Host: shortName(c.Node.Hostname), Port: d.Port,
	}
	o.IPv6 = n.release.facts.Mesh.IPv6
	o.Node, _, _ = strings.Cut(n.release.facts.Node, "@")
	orders, err := json.Marshal(o)
	if err != nil || len(orders) >= discovery.MaxOrders {
		n.console.Say(health.Err, "discovery.file, discovery.dns: too long; want less than 4 KB; nothing is found")
		return nil, nil
	}
	box := launch.Sandbox{Read: []string{"/proc", RunDir}, Connect: true}
	if o.File != "" { // it may be on a file system that is mounted later
		box.Read = []string{"/"}
	}
	return &launch.Command{
		Path: "/proc/self/exe", Argv: []string{discovery.ChildName}, Dir: "/",
		Bounds: launch.Own(launch.Nobody(launch.DiscoveryUID), box),
	}, append(orders, '\n')
}

// discoveryReport takes over what the child says, once it has been checked.
func (n *node) discoveryReport(line []byte) (peers []string) {
	r, err := discovery.ParseReport(line, n.Config.Discovery.Limit)
	if err != nil {
		n.say(health.Err, fmt.Errorf("discovery: %w; it is not used", err))
		return nil
	}
	for _, text := range r.Say {
		n.console.Say(health.Notice, "discovery: "+text)
	}
	changed, alarms := n.Found.Take(&r, n.discoveryNode(), clock.Boottime())
	for _, text := range alarms {
		n.console.Say(health.Err, "discovery: "+text)
	}
	if !changed {
		return nil
	}
	text, err := json.Marshal(discovery.Report{Peers: n.Found.Peers})
	if err == nil {
		err = hostsgen.Write(RunDir, path.Base(foundFile), append(text, '\n'))
	}
	n.say(health.Err, err)
	n.writeHosts()
	return n.otherPeers()
}

// discoveryNode is what was found is compared with.
func (n *Setup) discoveryNode() *discovery.Node {
	d := discovery.Node{Host: n.Config.Node.Hostname, Own: n.OwnAddress(), Static: n.Config.Peers}
	if n.Config.Distribution.EPMD == "none" {
		d.Port = n.distribution().Port
	}
	return &d
}

// Found are the peers that the PID 1 of a node believes in, or believed in last.
func Found(im *Image) []discovery.Peer {
	text, err := im.Read(foundFile)
	if err != nil {
		return nil
	}
	r, err := discovery.ParseReport(text, discovery.MaxLimit)
	if err != nil {
		return nil
	}
	return r.Peers
}

// foundPeers are the peers that were found, as those of [peers] are.
func (n *Setup) foundPeers() (peers []config.Peer) {
	for i := range n.Found.Peers {
		p := &n.Found.Peers[i]
		peers = append(peers, config.Peer{Name: p.Name, Address: p.Address, Aliases: p.Aliases, Node: p.Node, Port: p.Port})
	}
	return peers
}

// peers are all that this node knows: [peers], and what was found.
func (n *Setup) peers() []config.Peer {
	return append(n.Config.Peers[:len(n.Config.Peers):len(n.Config.Peers)], n.foundPeers()...)
}

// knowsPeers says that there are peers, or that some may be found: the monitor watches the
// connections to these, and to no others.
func (n *Setup) knowsPeers() bool {
	return len(n.Config.Peers) > 0 || finds(&n.Config.Discovery)
}

func finds(d *config.Discovery) bool { return d.File != "" || d.DNS != "" || d.MDNS }
