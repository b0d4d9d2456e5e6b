package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/netcfg"
	"golang.org/x/sys/unix"
)

// dnsmasq is a DHCP and DNS server on a bridge.
func dnsmasq(t *testing.T, bridge int, args ...string) {
	t.Helper()
	inNet(t, bridge, "ip link set lo up; ip address replace 10.77.0.1/24 dev br0")
	args = append([]string{"--net=/proc/" + fmt.Sprint(bridge) + "/ns/net", "dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "--bind-interfaces", "-i", "br0", "-u", "root",
		"-x", "", "--no-ping", "--dhcp-authoritative", "--dhcp-leasefile=" + t.TempDir() + "/leases", "--dhcp-range=10.77.0.50,10.77.0.99,10m"}, args...)
	cmd := exec.Command("nsenter", args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// in is what a file of the machine holds now; empty: it is not there.
func (m *machine) in(path string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/root%s", m.PID(), path))
	return string(text)
}

// A node that nobody told anything is on the network under the name that a DHCP server
// gives it, and its VM finds names by the server's DNS. Its network child can be killed; a
// later name is said and not taken.
func TestDHCP(t *testing.T) {
	t.Parallel()
	br := bridge(t)
	dnsmasq(t, br, "--dhcp-option=15,farm.lan", "--dhcp-option-force=12,bird7", "-A", "/gate.farm.lan/10.77.0.9")
	s := withERTS(t, "ip=dhcp beaminit.network.eth0.wait=1m", "")
	s.program = strict(t)
	m := power(t, s)
	m.line("network: eth0: absent")
	m.plug(br, 1)
	r, _ := m.record("up", 0, func(r health.Record) bool { return r.State == health.Up })
	if !strings.HasSuffix(r.Node, "@bird7") || len(r.Net) != 0 {
		t.Errorf("node %s net %v, want …@bird7 and all well", r.Node, r.Net)
	}
	m.line("network: this node is bird7, by the DHCP server")
	report := m.in("/run/beaminit/net/eth0.json")
	got, err := netcfg.Make("", nil).ParseReport([]byte(`{"Links":[` + strings.Replace(report, `"Name":"eth0"`, `"Name":"lo"`, 1) + `]}`))
	if err != nil || got.Links[0].Lease == nil {
		t.Fatalf("eth0.json: %v\n%s", err, report)
	}
	own := got.Links[0].Lease.Address.Addr()
	if !netip.MustParsePrefix("10.77.0.0/24").Contains(own) {
		t.Errorf("eth0 has %s", own)
	}
	if hosts := m.in("/etc/hosts"); !strings.Contains(hosts, own.String()+" bird7\n") {
		t.Errorf("/etc/hosts has no line for bird7 at %s:\n%s", own, hosts)
	}
	if resolv := m.in("/run/beaminit/resolv.conf"); !strings.Contains(resolv, "nameserver 10.77.0.1\nsearch farm.lan\n") {
		t.Errorf("resolv.conf:\n%s", resolv)
	}
	m.want(0, "{ok,{hostent,\"gate.farm.lan\",[],inet,4,[{10,77,0,9}]}}", "rpc", "inet", "gethostbyname", `["gate"]`)
	child := m.child(netcfg.ChildName)
	m.must(unix.Kill(child, unix.SIGKILL))
	m.line("the network child ended (killed by signal 9 (SIGKILL))")
	m.eventually("another network child", func() bool { c := m.has(netcfg.ChildName); return c != 0 && c != child })
	inNet(t, m.PID(), "ip -4 address show dev eth0 | grep -q "+own.String())
	m.noDeniedCall()
}

// Static addresses are there before the release is started, though the network child ends
// at once each time.
func TestStaticWithoutChild(t *testing.T) {
	t.Parallel()
	br := bridge(t)
	m := power(t, withERTS(t, "hostname=n1 beaminit.network.eth0.address=10.77.0.11/24 beaminit.network.eth0.wait=1m", ""))
	m.plug(br, 1)
	m.state(health.Up, 0)
	for i := 0; i < 3; i++ {
		m.eventually("a network child", func() bool { return m.has(netcfg.ChildName) != 0 })
		unix.Kill(m.has(netcfg.ChildName), unix.SIGKILL)
		m.linesWith("the network child ended", i+1)
		inNet(t, m.PID(), "ip -4 address show dev eth0 | grep -q 10.77.0.11/24")
	}
	inNet(t, br, "ip link set port1 down")
	m.record("no carrier", 0, func(r health.Record) bool { return strings.Join(r.Net, " ") == "eth0:no-carrier" })
	_, next := m.record("no carrier", 0, func(r health.Record) bool { return strings.Join(r.Net, " ") == "eth0:no-carrier" })
	inNet(t, br, "ip link set port1 up")
	m.record("all well", next, func(r health.Record) bool { return len(r.Net) == 0 })
}
