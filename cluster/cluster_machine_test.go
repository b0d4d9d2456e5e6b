package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// Three nodes of one configuration become a cluster. Their eth0 comes only after
// they have booted: they wait for it, and start the release when it is there.
func TestCluster(t *testing.T) {
	t.Parallel()
	const toml = `
[peers]
n1 = "10.77.0.11"
n2 = "10.77.0.12"
n3 = "10.77.0.13"
[release]
args = ["-kernel", "net_ticktime", "4"]
`
	br := machine.Bridge(t)
	var ms []*machine.Machine
	for i := 1; i <= 3; i++ {
		s := machine.WithERTS(t, fmt.Sprintf("ip=10.77.0.1%d::10.77.0.1:255.255.255.0:n%d:eth0:off beaminit.network.eth0.wait=20s", i, i), toml)
		s.Program = machine.Strict(t)
		m := machine.Start(t, s)
		ms = append(ms, m)
	}
	next := make([]int, 3)
	for i, m := range ms {
		_, next[i] = m.State(health.Booting, 0)
		m.Plug(br, i)
	}
	for i, m := range ms {
		var r health.Record
		r, next[i] = m.State(health.Up, next[i])
		if r.Connected != 2 || r.Peers != 2 {
			t.Errorf("n%d: %d of %d peers, want 2 of 2", i+1, r.Connected, r.Peers)
		}
	}
	unix.Kill(ms[0].VM(), unix.SIGKILL)
	for i := 1; i < 3; i++ {
		var r health.Record
		r, next[i] = ms[i].State(health.Degraded, next[i])
		if len(r.Missing) != 1 || !r.Misses("n1") {
			t.Errorf("n%d misses %v, want n1", i+1, r.Missing)
		}
	}
	_, next[0] = ms[0].Restarted(1, next[0])
	for i := range ms {
		_, next[i] = ms[i].Record("whole again", next[i], func(r health.Record) bool { return r.State == health.Up && r.Connected == 2 })
		ms[i].NoDeniedCall()
	}
}

// Nodes that are named by their addresses are a mesh, heal, and can be visited.
func TestNamesByAddress(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	var ms []*machine.Machine
	for i := 1; i <= 2; i++ {
		m := machine.Start(t, machine.WithERTS(t, fmt.Sprintf("ip=10.77.0.1%d::10.77.0.1:255.255.255.0:n%d:eth0:off beaminit.network.eth0.wait=20s", i, i),
			"[distribution]\nnames = \"address\"\n[peers]\nn1 = \"10.77.0.11\"\nn2 = \"10.77.0.12\"\n"))
		m.Plug(br, i)
		ms = append(ms, m)
	}
	for i, m := range ms {
		r, next := m.Record("whole", 0, func(r health.Record) bool { return r.State == health.Up && r.Connected == 1 })
		if want := fmt.Sprintf("eclero@10.77.0.1%d", i+1); r.Node != want {
			t.Errorf("the node is %s, want %s", r.Node, want)
		}
		m.Want(0, fmt.Sprintf("['eclero@10.77.0.1%d']\n", 2-i), "rpc", "erlang", "nodes")
		m.Visited(t, false)
		if i == 0 {
			unix.Kill(ms[1].VM(), unix.SIGKILL)
			_, next = m.Record("alone", next, func(r health.Record) bool { return r.Connected == 0 })
			m.Record("healed", next, func(r health.Record) bool { return r.State == health.Up && r.Connected == 1 })
		}
	}
}

// A peer with another cookie is named with that reason, and the attempts to connect to it,
// which come to nothing, become fewer: the console says so, once.
func TestOtherCookie(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	var ms []*machine.Machine
	for i := 1; i <= 2; i++ {
		s := machine.WithERTS(t, fmt.Sprintf("ip=10.77.0.1%d::10.77.0.1:255.255.255.0:n%d:eth0:off beaminit.network.eth0.wait=20s beaminit.cluster.heal=200ms", i, i), "[peers]\nn1 = \"10.77.0.11\"\nn2 = \"10.77.0.12\"\n")
		s.Files["data/cookie"] = fmt.Sprintf("cookie-of-%d", i)
		m := machine.Start(t, s)
		m.Plug(br, i)
		ms = append(ms, m)
	}
	for _, m := range ms {
		m.Record("another cookie", 0, func(r health.Record) bool { return len(r.Missing) == 1 && r.Missing[0].Reason == "cookie" })
		m.Line("answers, and no connection to it comes about")
		m.Eventually("status has the brake", func() bool {
			out, _ := m.Ask("status")
			return strings.Contains(out, "\nbrake     n") && strings.Contains(out, " (next attempt in ")
		})
	}
	if n := ms[0].Count("answers, and no connection to it comes about"); n != 1 {
		t.Errorf("that is said %d times", n)
	}
}
