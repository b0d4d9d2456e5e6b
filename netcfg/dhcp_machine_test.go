package netcfg_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/netcfg"
	"golang.org/x/sys/unix"
)

// A node that nobody told anything is on the network under the name that a DHCP server
// gives it, and its VM finds names by the server's DNS. Its network child can be killed; a
// later name is said and not taken.
func TestDHCP(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	machine.Dnsmasq(t, br, "--dhcp-option=15,farm.lan", "--dhcp-option-force=12,bird7", "-A", "/gate.farm.lan/10.77.0.9")
	s := machine.WithERTS(t, "ip=dhcp beaminit.network.eth0.wait=1m", "")
	s.Program = machine.Strict(t)
	m := machine.Start(t, s)
	m.Line("network: eth0: absent")
	m.Plug(br, 1)
	r, _ := m.Record("up", 0, func(r health.Record) bool { return r.State == health.Up })
	if !strings.HasSuffix(r.Node, "@bird7") || len(r.Net) != 0 {
		t.Errorf("node %s net %v, want …@bird7 and all well", r.Node, r.Net)
	}
	m.Line("network: this node is bird7, by the DHCP server")
	report := m.In("/run/beaminit/net/eth0.json")
	got, err := netcfg.Make("", nil).ParseReport([]byte(`{"Links":[` + strings.Replace(report, `"Name":"eth0"`, `"Name":"lo"`, 1) + `]}`))
	if err != nil || got.Links[0].Lease == nil {
		t.Fatalf("eth0.json: %v\n%s", err, report)
	}
	own := got.Links[0].Lease.Address.Addr()
	if !netip.MustParsePrefix("10.77.0.0/24").Contains(own) {
		t.Errorf("eth0 has %s", own)
	}
	if hosts := m.In("/etc/hosts"); !strings.Contains(hosts, own.String()+" bird7\n") {
		t.Errorf("/etc/hosts has no line for bird7 at %s:\n%s", own, hosts)
	}
	if resolv := m.In("/run/beaminit/resolv.conf"); !strings.Contains(resolv, "nameserver 10.77.0.1\nsearch farm.lan\n") {
		t.Errorf("resolv.conf:\n%s", resolv)
	}
	m.Want(0, "{ok,{hostent,\"gate.farm.lan\",[],inet,4,[{10,77,0,9}]}}", "rpc", "inet", "gethostbyname", `["gate"]`)
	child := m.Child(netcfg.ChildName)
	m.Must(unix.Kill(child, unix.SIGKILL))
	m.Line("the network child ended (killed by signal 9 (SIGKILL))")
	m.Eventually("another network child", func() bool { c := m.Has(netcfg.ChildName); return c != 0 && c != child })
	machine.InNet(t, m.PID(), "ip -4 address show dev eth0 | grep -q "+own.String())
	m.NoDeniedCall()
}

// Static addresses are there before the release is started, though the network child ends
// at once each time.
func TestStaticWithoutChild(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	m := machine.Start(t, machine.WithERTS(t, "hostname=n1 beaminit.network.eth0.address=10.77.0.11/24 beaminit.network.eth0.wait=1m", ""))
	m.Plug(br, 1)
	m.State(health.Up, 0)
	for i := 0; i < 3; i++ {
		m.Eventually("a network child", func() bool { return m.Has(netcfg.ChildName) != 0 })
		unix.Kill(m.Has(netcfg.ChildName), unix.SIGKILL)
		m.LinesWith("the network child ended", i+1)
		machine.InNet(t, m.PID(), "ip -4 address show dev eth0 | grep -q 10.77.0.11/24")
	}
	machine.InNet(t, br, "ip link set port1 down")
	m.Record("no carrier", 0, func(r health.Record) bool { return strings.Join(r.Net, " ") == "eth0:no-carrier" })
	_, next := m.Record("no carrier", 0, func(r health.Record) bool { return strings.Join(r.Net, " ") == "eth0:no-carrier" })
	machine.InNet(t, br, "ip link set port1 up")
	m.Record("all well", next, func(r health.Record) bool { return len(r.Net) == 0 })
}

// Where ip= names no interface it is the first that has a carrier, whichever that is: the
// address is there, and the node's name for it is the one that it has without a word.
func TestFirstInterface(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	machine.Dnsmasq(t, br)
	for i, words := range []string{"ip=10.77.0.11::10.77.0.1:255.255.255.0:n1::off", "ip=dhcp"} {
		t.Run(words, func(t *testing.T) {
			m := machine.Start(t, machine.WithERTS(t, words+" hostname=n1", ""))
			machine.InNet(t, m.PID(), fmt.Sprintf("ip link add eth0 type veth peer name nobody%d netns %d && ip link add eth1 type veth peer name far%d netns %d", i, br, i, br))
			machine.InNet(t, br, fmt.Sprintf("ip link set far%d master br0 && ip link set far%d up", i, i))
			m.Record("up, with all links", 0, func(r health.Record) bool { return r.State == health.Up && len(r.Net) == 0 })
			machine.InNet(t, m.PID(), "ip -4 address show dev eth1 | grep -q 10.77.0.")
		})
	}
}
