package node

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/hostsgen"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// distribution is that of this node: its port and name are its own where [peers] has them.
func (n *Setup) distribution() config.Distribution {
	d := n.Config.Distribution
	i := selfIndex(n.Config)
	if i < 0 {
		return d
	}
	if own := &n.Config.Peers[i]; own.Port != 0 {
		d.Port = own.Port
	}
	if own := &n.Config.Peers[i]; own.Node != "" {
		d.Name = own.Node
	}
	return d
}

// onlyIPv6 says that there are peers and that all of them have IPv6 addresses.
func onlyIPv6(c *config.Config) bool {
	for i := range c.Peers {
		if a := c.Peers[i].Address; a.Is4() || a.Is4In6() {
			return false
		}
	}
	return len(c.Peers) > 0
}

// askAbsent is how often a peer that is not connected is asked where cluster.heal is off:
// the health records say why it is missing all the same.
const askAbsent = 2 * time.Second

// Mesh is what the monitor has to know of how the release is started.
type Mesh struct {
	Known     bool // else there is no release
	TLS, IPv6 bool
	Unprobed  bool // nobody can ask from outside whether it answers
	Unnamed   bool // its node has no name when it starts
	Interface netip.Addr
	Naming    release.Naming
}

// MeshOf is that of a command.
func MeshOf(c *release.Command) Mesh {
	return Mesh{true, c.TLS(), c.IPv6(), c.Unprobed != "", c.Unnamed, c.Interface, c.Naming}
}

// Watch is what the monitor watches.
func (n *Setup) Watch(m Mesh) cluster.Watch {
	c, d := n.Config, n.distribution()
	w := cluster.Watch{
		Port: d.Port, Node: cluster.ProbeNode + "@" + shortName(c.Node.Hostname),
		// Never more than the interval: then a VM that hangs is known within two.
		Interval: c.Health.Interval, Limit: min(c.Health.ProbeTimeout, c.Health.Interval),
		Timeout: c.Cluster.Timeout, Heal: c.Cluster.Heal, Healing: d.Connect && c.Cluster.Heal > 0, Respect: c.Cluster.Respect,
	}
	if w.Heal == 0 {
		w.Heal = askAbsent
	}
	w.TLS = m.TLS
	if m.Unnamed {
		return w
	}
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if m.IPv6 {
		local = netip.IPv6Loopback()
	}
	own := n.address()
	switch {
	case m.Unprobed:
	case m.Interface.IsValid():
		w.Local = append(w.Local, netip.AddrPortFrom(m.Interface, uint16(d.Port)))
	default:
		w.Local = append(w.Local, netip.AddrPortFrom(local, uint16(d.Port)))
		if own.IsValid() {
			w.Local = append(w.Local, netip.AddrPortFrom(own, uint16(d.Port)))
		}
	}
	self, byAddress := selfIndex(c), n.addressInName().IsValid()
	for i, p := range n.peers() {
		if i == self {
			continue
		}
		port := c.Distribution.Port
		if p.Port != 0 {
			port = p.Port
		}
		peer := cluster.Peer{Name: p.Name, Addr: netip.AddrPortFrom(p.Address, uint16(port))}
		if m.Known {
			peer.Node = m.Naming.Peer(hostPart(&p, byAddress), p.Node)
		}
		w.Peers = append(w.Peers, peer)
	}
	return w
}

// allowPing lets the monitor send ICMP echo requests, which takes no privilege then. Without
// them it asks the distribution ports of the peers alone.
func allowPing() []error {
	fd, err := unix.Open(cluster.PingGroupRange, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, fmt.Appendf(nil, "%d %[1]d", launch.MonitorUID))
		unix.Close(fd)
	}
	if err != nil {
		return []error{errors.New(cluster.PingGroupRange + ": " + err.Error() + "; peers are asked for signs of life by TCP alone")}
	}
	return nil
}

// epmdCommand is the port mapper of the release, as the user and with the environment of it.
func epmdCommand(r *release.Release, p launch.Command) *launch.Command {
	p.Path = r.ERTSDir + "/bin/epmd"
	p.Argv = []string{"epmd"}
	p.Dir, p.TTY = "/", false
	return &p
}

// TLSProblem says what TLS for the distribution needs and has not, before the VM ends for
// want of it with less to say.
func (n *Setup) TLSProblem(c *release.Command) error {
	t := &n.Config.Distribution.TLS
	if t.Cert == "" || c.Refused != nil {
		return nil
	}
	if !n.Release.Has(n.Image.Root, "ssl") {
		return errors.New("distribution.tls: the release has no application ssl in its boot script; " +
			"want ssl among the applications of the release")
	}
	for _, path := range [...]string{t.Cert, t.Key, t.CA} {
		if _, err := n.Image.Root.Mode(path); err != nil && !n.Image.MountedLater(path) {
			return errors.New("distribution.tls: " + path + ": " + err.Error())
		}
		if !n.isLive() {
			continue
		}
		if f, err := files.Open(path, n.fileRule()); err == nil {
			f.Close()
		} else if files.IsRefused(err) {
			return fmt.Errorf("distribution.tls: %w", err)
		}
	}
	return nil
}

// CheckCertificate says where the certificate of the node is not for its name, which
// its peers would find out.
func (n *Setup) CheckCertificate(node string) error {
	path := n.Config.Distribution.TLS.Cert
	if path == "" {
		return nil
	}
	text, err := n.readSecret(path)
	if err != nil {
		return nil // that was said already
	}
	return release.CheckCertificate(path, text, node)
}

// addressInName is what stands behind the @ in this node's name; the zero Addr where that is
// no address. In a container, and for a tool on a node that has its address by DHCP, it is
// in the hosts file that PID 1 wrote.
func (n *Setup) addressInName() (own netip.Addr) {
	if n.Config.Distribution.Names != config.AddressNames {
		return own
	}
	if own = n.OwnAddress(); !own.IsValid() && n.isLive() {
		text, _ := n.Image.Read(RunDir + "/hosts")
		own = hostsgen.Lookup(text, n.Config.Node.Hostname)
	}
	return own
}

// hostPart is what stands behind the @ in the name of a peer's node, but for a domain.
func hostPart(p *config.Peer, byAddress bool) string {
	if byAddress {
		return p.Address.String()
	}
	return p.Name
}
