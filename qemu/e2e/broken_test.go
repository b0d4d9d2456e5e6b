package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

// What can be wrong with a node, on real machines and as namespaces: each boots as far as it can, says
// what is wrong and where, writes health records, and none panics the kernel.
func TestBroken(t *testing.T) {
	for as, tests := range map[string][]broken{
		lab.AsVM: {
			{lab.NodeSpec{NoNIC: true, Append: "beaminit.network.eth0.wait=1s"}, health.Degraded, []string{"network: eth0: absent"}, ""},
			{lab.NodeSpec{RTC: "1990-01-01"}, health.Degraded, []string{"clock: "}, "clock"},
		},
		lab.AsNS: {
			{lab.NodeSpec{Append: "beaminit.distribution.prot=1"}, health.Degraded, []string{"distribution.prot", "distribution.port"}, ""},
			{lab.NodeSpec{Append: "beaminit.release.path=/srv/nowhere"}, health.Rescue, []string{"/srv/nowhere"}, ""},
			{lab.NodeSpec{Append: "beaminit.network.eth0.address=192.168.7.300/24"}, health.Degraded, []string{"192.168.7.300"}, ""},
		},
	} {
		t.Run(as, func(t *testing.T) { lookBroken(t, as, tests) })
	}
}

// broken is a node with which something is wrong.
type broken struct {
	spec  lab.NodeSpec
	state health.State
	lines []string
	warn  string // a word of it
}

func lookBroken(t *testing.T, as string, tests []broken) {
	t.Parallel()
	nodes, err := lab.NodeSpecs(len(tests))
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes {
		nodes[i].Append, nodes[i].NoNIC, nodes[i].RTC = tests[i].spec.Append, tests[i].spec.NoNIC, tests[i].spec.RTC
	}
	boot := start
	if as == lab.AsNS {
		boot = startAsNamespaces
	}
	l := boot(t, lab.Options{Nodes: nodes}, append(lab.Config(nodes, interval), "[supervise\nattempts = 3\n"...))
	for i, n := range l.Nodes() {
		reach(t, n, string(tests[i].state), func(r lab.Record) bool {
			return r.State == tests[i].state || r.State == health.Up && tests[i].state == health.Degraded
		})
		if want := tests[i].warn; want != "" {
			reach(t, n, "warn="+want, func(r lab.Record) bool { return slices.Contains(r.Warn, want) })
		}
		text := strings.Join(n.Tail(1000), "\n")
		for _, want := range append(tests[i].lines, "/etc/beaminit.toml:") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no line says %q:\n%s", n.Name(), want, text)
			}
		}
		if strings.Contains(text, "Kernel panic") {
			t.Errorf("%s: the kernel panicked:\n%s", n.Name(), text)
		}
	}
}
