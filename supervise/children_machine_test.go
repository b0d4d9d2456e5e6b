package supervise_test

import (
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/node"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/supervise/launch"
)

var boundsOfChildren = []machine.ChildBounds{
	{Comm: cluster.MonitorName[:15], UID: "65533", Caps: "0000000000000000", Seccomp: "2", FDs: []string{"pipe:", "/dev/null", "/memfd:watch (deleted)", "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "socket:"}},
	{Comm: discovery.ChildName[:min(15, len(discovery.ChildName))], UID: "65531", Caps: "0000000000000000", Seccomp: "2", FDs: []string{"pipe:", "/dev/null", "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "socket:"}},
	{Comm: netcfg.ChildName, UID: "65532", Caps: "0000000000003400", Seccomp: "2", FDs: []string{"pipe:", "/dev/null", "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "socket:", "/data/beaminit/net"}},
}

// Each child has what it needs and no more, as the kernel tells it: as PID 1 has started
// it, and as one does that has come by reexec, with all that it has open.
func TestChildren(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "ip=dhcp beaminit.network.eth0.wait=1m", "[[mount]]\nsource = \"/store\"\ntarget = \"/data\"\noptions = [\"bind\"]\n[discovery]\nmdns = true\n")
	s.Dirs = append(s.Dirs, "store")
	s.Writable = true
	br := machine.Bridge(t)
	machine.Dnsmasq(t, br)
	m := machine.Start(t, s)
	m.Line("network: eth0: absent")
	m.Plug(br, 1)
	_, next := m.State(health.Up, 0)
	if launch.LandlockABI() == 0 {
		m.Line("the kernel has no Landlock")
	}
	look := func() {
		for i := range boundsOfChildren {
			boundsOfChildren[i].Check(m)
		}
	}
	look()
	old := m.Has(boundsOfChildren[0].Comm)
	if out, status := m.Ask("reexec"); status != 0 {
		t.Fatalf("reexec: %d %s", status, out)
	}
	m.Record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up })
	m.Eventually("another monitor", func() bool { now := m.Has(boundsOfChildren[0].Comm); return now != 0 && now != old })
	look()
}

// What reads the release ahead has its user, and nothing else of it.
func TestReadAheadIsBound(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "ip=10.77.0.11::10.77.0.1:255.255.255.0:node1:eth0:off beaminit.network.eth0.wait=1m", "[release]\nuser = \"1000\"\n")
	s.Program = machine.Faulty(t)
	s.Files["data/stop-ahead"] = ""
	m := machine.Start(t, s)
	b := machine.ChildBounds{Comm: node.ReadaheadName, UID: "1000", Caps: "0000000000000000", Seccomp: "0", FDs: []string{"pipe:", "/dev/null", "anon_inode:[eventpoll]", "anon_inode:[eventfd]"}}
	m.Eventually("stop what reads ahead", func() bool {
		pid := m.Has(b.Comm)
		return pid != 0 && strings.Contains(m.Proc(pid, "stat"), ") T ")
	})
	b.CheckProcess(m, m.Has(b.Comm))
}
