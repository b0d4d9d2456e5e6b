package discovery_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// alone are nodes n1, n2 and so on, on a switch, of which none knows another.
func alone(t *testing.T, nodes int, toml, words string) (bridgePID int, list []*machine.Machine) {
	br := machine.Bridge(t)
	for i := 1; i <= nodes; i++ {
		s := machine.WithERTS(t, fmt.Sprintf("ip=10.77.0.1%d::10.77.0.1:255.255.255.0:n%d:eth0:off beaminit.network.eth0.wait=20s %s", i, i, words), toml)
		s.Program = machine.Strict(t)
		m := machine.Start(t, s)
		m.Plug(br, i)
		list = append(list, m)
	}
	return br, list
}

// connected waits until a node is connected to so many peers, and to all that it knows.
func connected(m *machine.Machine, peers, next int) (health.Record, int) {
	m.T.Helper()
	return m.Record(fmt.Sprintf("%d peers, all connected", peers), next, func(r health.Record) bool {
		return r.State == health.Up && r.Peers == peers && r.Connected == peers
	})
}

// Peers are found while the image's resolv.conf leads to a disk that does not answer any more: the loop
// does not read it.
func TestDiscoveryDeadDisk(t *testing.T) {
	t.Parallel()
	_, nodes := alone(t, 1, "[discovery]\nfile = \"/tmp/peers\"\n", "")
	m := nodes[0]
	m.State(health.Up, 0)
	m.Must(os.MkdirAll(filepath.Join(m.Root, "mnt"), 0o755))
	os.Remove(filepath.Join(m.Root, "etc/resolv.conf"))
	m.Must(os.Symlink("/mnt/resolv.conf", filepath.Join(m.Root, "etc/resolv.conf")))
	m.Dies("/mnt")
	defer m.Revive()
	write(m, "tmp/peers", "10.77.0.12 n2\n")
	m.Eventually("have the peer in the table of hosts", func() bool { return strings.Contains(m.In("/etc/hosts"), "\n10.77.0.12 n2\n") })
	m.Record("the peer", 0, func(r health.Record) bool { return r.Peers == 1 })
}

// Two nodes that know nobody find each other by a file on each that somebody writes while
// they run: in /etc/hosts, watched, connected, in status. What the file says against the
// node itself is said and not believed, a peer that it names no more is none, and the child
// and a PID 1 that begins anew lose nobody.
func TestDiscoveryFile(t *testing.T) {
	t.Parallel()
	_, nodes := alone(t, 2, "[discovery]\nfile = \"/tmp/peers\"\n", "")
	monitor := 0 // of nodes[0]
	for i, m := range nodes {
		m.State(health.Up, 0)
		if i == 0 {
			monitor = m.Child(cluster.MonitorName[:15])
		}
		if m.Has(discovery.ChildName) == 0 {
			t.Fatal("nobody looks for peers")
		}
		write(m, "tmp/peers", "10.77.0.11 n1\n10.77.0.12 n2 two\n")
	}
	for _, m := range nodes {
		connected(m, 1, 0)
	}
	m := nodes[0]
	if hosts := m.In("/etc/hosts"); !strings.Contains(hosts, "\n10.77.0.12 n2 two\n") {
		t.Errorf("/etc/hosts:\n%s", hosts)
	}
	if out, _ := m.Ask("status"); !strings.Contains(out, "\nfound     n2 at 10.77.0.12 by file, ") {
		t.Errorf("status:\n%s", out)
	}
	if m.Child(cluster.MonitorName[:15]) != monitor {
		t.Error("for a peer that was found another monitor was started")
	}
	child := m.Child(discovery.ChildName)
	m.Must(unix.Kill(child, unix.SIGKILL))
	m.Line("the discovery of peers ended (killed by signal 9 (SIGKILL))")
	m.Eventually("another child", func() bool { c := m.Has(discovery.ChildName); return c != 0 && c != child })
	vm := m.VM()
	_, next := connected(m, 1, 0)
	m.Ask("reexec")
	m.Line("the release goes on")
	_, next = connected(m, 1, next)
	write(m, "tmp/peers", "10.77.0.99 n1\n10.77.0.12 n2\n")
	m.Line("discovery: n1 at 10.77.0.99 by file: that is the name of this node, which has 10.77.0.11")
	_, next = m.Record("a warning", next, func(r health.Record) bool { return strings.Contains(strings.Join(r.Warn, " "), "discovery") })
	write(m, "tmp/peers", "# nobody\n")
	connected(m, 0, next)
	if hosts := m.In("/etc/hosts"); strings.Contains(hosts, "n2") || !strings.Contains(hosts, "10.77.0.11 n1") {
		t.Errorf("/etc/hosts:\n%s", hosts)
	}
	if m.VM() != vm {
		t.Error("the VM was started again")
	}
}

// write puts a text into a file of the machine, as another program of it would.
func write(m *machine.Machine, path, text string) {
	m.T.Helper()
	file := filepath.Join(fmt.Sprintf("/proc/%d/root", m.PID()), path)
	m.Must(os.WriteFile(file, []byte(text), 0o644))
}

// Two nodes that know nobody find each other by the SRV records of a real DNS server, which
// DHCP has named to them; when that is gone they know each other still.
func TestDiscoveryDNS(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	machine.Dnsmasq(t, br, "--dhcp-host=02:00:00:00:00:01,10.77.0.51", "--dhcp-host=02:00:00:00:00:02,10.77.0.52", "--local-ttl=1",
		"--host-record=n1.farm.lan,10.77.0.51", "--host-record=n2.farm.lan,10.77.0.52", "--srv-host=_erlang._tcp.farm.lan,n1.farm.lan,17012", "--srv-host=_erlang._tcp.farm.lan,n2.farm.lan,17012")
	var nodes []*machine.Machine
	for i := 1; i <= 2; i++ {
		m := machine.Start(t, machine.WithERTS(t, fmt.Sprintf("hostname=n%d ip=dhcp beaminit.network.eth0.wait=1m", i), "[discovery]\ndns = \"_erlang._tcp.farm.lan\"\n"))
		machine.InNet(t, m.PID(), fmt.Sprintf("ip link add eth0 address 02:00:00:00:00:0%d type veth peer name port%d netns %d", i, i, br))
		machine.InNet(t, br, fmt.Sprintf("ip link set port%d master br0 && ip link set port%d up", i, i))
		nodes = append(nodes, m)
	}
	for _, m := range nodes {
		if r, _ := connected(m, 1, 0); r.Discovery != "" {
			t.Errorf("discovery=%s, of what nobody announces", r.Discovery)
		}
	}
	if hosts := nodes[0].In("/etc/hosts"); !strings.Contains(hosts, "\n10.77.0.52 n2.farm.lan n2\n") {
		t.Errorf("/etc/hosts:\n%s", hosts)
	}
}

// Three nodes of which each knows only its own name take addresses by themselves (RFC 3927)
// and become a cluster. One that goes in order says so, and is a peer no more; one that is
// killed is one that is missing. Without a key the record says so.
func TestDiscoveryMDNS(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	var nodes []*machine.Machine
	for i := 1; i <= 3; i++ {
		s := machine.WithERTS(t, fmt.Sprintf("hostname=n%d beaminit.network.eth0.address=link-local beaminit.network.eth0.wait=60s", i), "[discovery]\nmdns = true\n")
		s.Program = machine.Strict(t)
		m := machine.Start(t, s)
		m.Plug(br, i)
		nodes = append(nodes, m)
	}
	next := make([]int, 3)
	for i, m := range nodes {
		var r health.Record
		r, next[i] = connected(m, 2, 0)
		if r.Discovery != "open" {
			t.Errorf("discovery=%s", r.Discovery)
		}
	}
	nodes[2].Signal(unix.SIGTERM)
	for i, m := range nodes[:2] {
		_, next[i] = connected(m, 1, next[i])
	}
	nodes[1].PowerOff()
	nodes[0].Record("n2 is missing", next[0], func(r health.Record) bool { return r.State == health.Degraded && r.Misses("n2") })
}

// With a key, nodes that have it find each other; one without it, or with another, is
// nobody, and says nothing that is believed.
func TestDiscoveryKey(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	var nodes []*machine.Machine
	for i, key := range []string{"one and the same key", "one and the same key", "of somebody else, this"} {
		s := machine.WithERTS(t, fmt.Sprintf("ip=10.77.0.1%d::10.77.0.1:255.255.255.0:n%d:eth0:off beaminit.network.eth0.wait=20s", i+1, i+1), "[discovery]\nmdns = true\nkey_file = \"/keys/discovery\"\n")
		s.Bind["keys"] = t.TempDir()
		if err := os.WriteFile(s.Bind["keys"]+"/discovery", []byte(key+"\n"), 0o400); err != nil {
			t.Fatal(err)
		}
		s.Program = machine.Strict(t)
		m := machine.Start(t, s)
		m.Plug(br, i)
		nodes = append(nodes, m)
	}
	for _, m := range nodes[:2] {
		if r, _ := connected(m, 1, 0); r.Discovery != "" {
			t.Errorf("discovery=%s", r.Discovery)
		}
	}
	nodes[0].Line("discovery: mdns: n3 at 10.77.0.13 is not signed with the key of this node")
	nodes[2].Line("is not signed with the key of this node")
	if r, _ := nodes[2].State(health.Up, 0); r.Peers != 0 {
		t.Errorf("n3 has %d peers", r.Peers)
	}
}

// A thousand peers are a cluster as three are: in /etc/hosts, watched, and those that are there
// connected.
func TestThousandPeers(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("[peers]\nn1 = \"10.77.0.11\"\nn2 = \"10.77.0.12\"\n")
	for i := range 998 {
		fmt.Fprintf(&table, "a-node-with-a-name-that-is-as-long-as-people-make-them-%d = \"10.78.%d.%d\"\n", i, i/250, 1+i%250)
	}
	_, nodes := alone(t, 2, table.String(), "")
	for _, m := range nodes {
		m.Record("one of 999 peers", 0, func(r health.Record) bool { return r.State == health.Degraded && r.Peers == 999 && r.Connected == 1 })
	}
	if lines := strings.Count(nodes[0].In("/etc/hosts"), "\n"); lines < 1000 {
		t.Errorf("/etc/hosts has %d lines", lines)
	}
}

// A LAN full of lies: a hundred thousand announcements, all of other names, and some of the
// names and addresses that the node has or was told. Nothing that stands in [peers] changes,
// what is found has its limit, the child does not grow, and PID 1 goes on.
func TestDiscoveryHostile(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	machine.InNet(t, br, "ip link set lo up; ip address replace 10.77.0.1/24 dev br0")
	m := machine.Start(t, machine.WithERTS(t, "ip=10.77.0.11::10.77.0.1:255.255.255.0:n1:eth0:off beaminit.network.eth0.wait=20s",
		"[peers]\nn1 = \"10.77.0.11\"\nn2 = \"10.77.0.12\"\n[discovery]\nmdns = true\nlimit = 8\n"))
	m.Plug(br, 1)
	m.State(health.Degraded, 0)
	m.Eventually("the group of mDNS is joined", func() bool { // 224.0.0.251, as proc(5) has it
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/igmp", m.PID()))
		return strings.Contains(string(text), "FB0000E0")
	})
	lie := filepath.Join(t.TempDir(), "lie.py")
	m.Must(os.WriteFile(lie, []byte(lies), 0o644))
	machine.InNet(t, br, "python3 "+lie)
	m.Line("discovery: n2 at 10.77.0.66 by mdns: [peers] has n2 at 10.77.0.12; that counts")
	m.Line("more than 8 peers (discovery.limit)")
	var hosts string
	m.Eventually("/etc/hosts is there", func() bool { // for a moment it is the image's own, see hostsgen.Show
		hosts = m.In("/etc/hosts")
		return hosts != ""
	})
	static, found, _ := strings.Cut(hosts, "# found by discovery\n")
	if !strings.Contains(static, "\n10.77.0.11 n1\n10.77.0.12 n2\n") || strings.Contains(static, "10.77.0.66") || strings.Count(found, "\n") > 8 {
		t.Errorf("/etc/hosts:\n%s", hosts)
	}
	child := m.Child(discovery.ChildName)
	if text := m.Proc(child, "status"); kilobytes(text, "VmHWM:") > 40<<10 {
		t.Errorf("the child has grown:\n%s", text)
	}
	if out, status := m.Ask("status"); status == 2 {
		t.Errorf("PID 1 does not answer:\n%s", out)
	}
}

// kilobytes is a figure of proc(5), status.
func kilobytes(status, name string) (n int) {
	_, rest, _ := strings.Cut(status, name)
	fmt.Sscan(rest, &n)
	return n
}

// lies announces nodes that are none, as mDNS has it.
const lies = `
import socket, struct
def name(*labels):
    return b"".join(bytes([len(l)]) + l for l in labels) + b"\0"
SERVICE = (b"_erlang", b"_tcp", b"local")
def rr(owner, kind, data):
    return owner + struct.pack(">HHIH", kind, 0x8001, 120, len(data)) + data
def announce(host, port, ip):
    instance, at = name(host, *SERVICE), name(host, b"local")
    records = [rr(name(*SERVICE), 12, instance), rr(instance, 33, struct.pack(">HHH", 0, 0, port) + at), rr(instance, 16, b"\x08node=bad"), rr(at, 1, socket.inet_aton(ip))]
    return struct.pack(">HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.77.0.1", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.77.0.1"))
own = [announce(b"n2", 17012, "10.77.0.66"), announce(b"n1", 17012, "10.77.0.66"), announce(b"localhost", 17012, "10.77.0.66"), announce(b"n3", 17012, "10.77.0.12")]
for i in range(100000):
    s.sendto(announce(b"x%d" % i, 17012, "10.77.%d.%d" % (1 + i // 250 % 250, 1 + i % 250)), ("224.0.0.251", 5353))
    if i % 50 == 0:
        s.sendto(own[i // 50 % len(own)], ("224.0.0.251", 5353))
`
