package e2e

import (
	"strings"
	"testing"

	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// Links of links as only a real kernel has them: bonding, when it is loaded, makes a bond0
// of its own (balance-rr, no miimon), and dummy makes the dummy0 that is its port here.
func TestLinks(t *testing.T) {
	t.Parallel()
	nodes, err := lab.NodeSpecs(1)
	if err != nil {
		t.Fatal(err)
	}
	config := append(lab.Config(nodes, interval), `
[network.vlan7]
vlan = { parent = "eth0", id = 7 }
address = ["10.7.0.1/24"]
[network.bond0]
bond = { ports = ["dummy0"], mode = "balance-xor" }
[network.br0]
bridge = { ports = ["bond0"], stp = true }
address = ["10.8.0.1/24"]
`...)
	l := startImage(t, lab.Options{Nodes: nodes},
		image.Spec{Config: config, Modules: []string{"8021q", "bonding", "bridge", "dummy"}})
	if err := l.WaitWhole(within(t)); err != nil {
		t.Fatal(err)
	}
	n := l.Nodes()[0]
	// Of each file its lines without the blanks at their ends.
	got := rpc(t, l, n, `[[F, ": ", re:replace(element(2, file:read_file(F)), "\\s*\n", "; ", [global, {return, list}])] || F <- [
		"/proc/net/bonding/bond0", "/proc/net/vlan/config", "/sys/class/net/br0/bridge/stp_state", "/sys/class/net/vlan7/operstate"]]`)
	for _, want := range []string{
		"Bonding Mode: load balancing (xor);", "MII Polling Interval (ms): 100;", "Slave Interface: dummy0;",
		"| 7  | eth0;", "stp_state\",\": \",\"1;",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in\n%s", want, got)
		}
	}
	got = rpc(t, l, n, `[{N, inet:ntoa(A)} || {N, O} <- element(2, inet:getifaddrs()), {addr, {10, B, _, _} = A} <- O, B > 6]`)
	if want := `[{"vlan7","10.7.0.1"},{"br0","10.8.0.1"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if t.Failed() {
		t.Logf("%s", strings.Join(n.Tail(100), "\n"))
	}
}
