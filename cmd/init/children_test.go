package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/supervise/launch"
)

// childBounds is what a child of PID 1 is to have.
type childBounds struct {
	comm    string // as the kernel cuts it
	uid     string
	caps    string
	seccomp string
	fds     []string // what its descriptors may be, whichever number they have; with * at the end: begin with
}

var boundsOfChildren = []childBounds{
	{comm: cluster.MonitorName[:15], uid: "65533", caps: "0000000000000000", seccomp: "2", fds: []string{"pipe:", "/dev/null", "/memfd:watch (deleted)", "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "socket:"}},
	{comm: discovery.ChildName[:min(15, len(discovery.ChildName))], uid: "65531", caps: "0000000000000000", seccomp: "2", fds: []string{"pipe:", "/dev/null", "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "socket:"}},
	{comm: netcfg.ChildName, uid: "65532", caps: "0000000000003400", seccomp: "2", fds: []string{"pipe:", "/dev/null", "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "socket:", "/data/beaminit/net"}},
}

// descriptorsOf are what those of a process lead to, by number.
func descriptorsOf(m *machine, pid int) map[string]string {
	m.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	list, err := os.ReadDir(dir)
	m.must(err)
	fds := map[string]string{}
	for _, e := range list {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			fds[e.Name()] = to
		}
	}
	return fds
}

// check awaits a child and reads back what the kernel has of it.
func (b *childBounds) check(m *machine) {
	m.t.Helper()
	m.eventually("child "+b.comm, func() bool { return m.has(b.comm) != 0 })
	pid := m.has(b.comm)
	m.eventually(b.comm+" with its list of system calls", func() bool {
		return strings.Contains(m.proc(pid, "status"), "\nSeccomp:\t"+b.seccomp+"\n")
	})
	b.checkProcess(m, pid)
}

// checkProcess reads back what the kernel has of a child.
func (b *childBounds) checkProcess(m *machine, pid int) {
	m.t.Helper()
	b.checkThreads(m, pid)
	for name, want := range map[string]string{"Max core file size": "0 0", "Max open files": "256 256", "Max data size": "268435456 268435456"} {
		if got := m.limits(pid)[name]; got != want {
			m.t.Errorf("%s: %s is %q, want %q", b.comm, name, got, want)
		}
	}
	b.checkDescriptors(m, pid)
}

// checkThreads reads back what the kernel has of each thread.
func (b *childBounds) checkThreads(m *machine, pid int) {
	m.t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
	m.must(err)
	for _, task := range tasks {
		text, err := os.ReadFile(task + "/status")
		if err != nil {
			continue // it has ended
		}
		for name, want := range map[string]string{"Uid": strings.Repeat(b.uid+"\t", 3) + b.uid, "CapBnd": b.caps, "CapEff": b.caps, "CapPrm": b.caps, "NoNewPrivs": "1", "Seccomp": b.seccomp} {
			if !strings.Contains(string(text), "\n"+name+":\t"+want+"\n") {
				m.t.Errorf("%s: %s: %s is not %q:\n%s", b.comm, task, name, want, text)
			}
		}
	}
}

func (b *childBounds) checkDescriptors(m *machine, pid int) {
	m.t.Helper()
	for number, to := range descriptorsOf(m, pid) {
		if !slices.ContainsFunc(b.fds, func(one string) bool { return to == one || strings.HasSuffix(one, ":") && strings.HasPrefix(to, one) }) {
			m.t.Errorf("%s: descriptor %s is %s, which is none of its own", b.comm, number, to)
		}
	}
}

// Each child has what it needs and no more, as the kernel tells it: as PID 1 has started
// it, and as one does that has come by reexec, with all that it has open.
func TestChildren(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "ip=dhcp beaminit.network.eth0.wait=1m", "[[mount]]\nsource = \"/store\"\ntarget = \"/data\"\noptions = [\"bind\"]\n[discovery]\nmdns = true\n")
	s.dirs = append(s.dirs, "store")
	s.writable = true
	br := bridge(t)
	dnsmasq(t, br)
	m := power(t, s)
	m.line("network: eth0: absent")
	m.plug(br, 1)
	_, next := m.state(health.Up, 0)
	if launch.LandlockABI() == 0 {
		m.line("the kernel has no Landlock")
	}
	look := func() {
		for i := range boundsOfChildren {
			boundsOfChildren[i].check(m)
		}
	}
	look()
	old := m.has(boundsOfChildren[0].comm)
	if out, status := m.ask("reexec"); status != 0 {
		t.Fatalf("reexec: %d %s", status, out)
	}
	m.record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up })
	m.eventually("another monitor", func() bool { now := m.has(boundsOfChildren[0].comm); return now != 0 && now != old })
	look()
}

// What reads the release ahead has its user, and nothing else of it.
func TestReadAheadIsBound(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "ip=10.77.0.11::10.77.0.1:255.255.255.0:node1:eth0:off beaminit.network.eth0.wait=1m", "[release]\nuser = \"1000\"\n")
	s.program = faulty
	s.files["data/stop-ahead"] = ""
	m := power(t, s)
	b := childBounds{node.ReadaheadName, "1000", "0000000000000000", "0", []string{"pipe:", "/dev/null", "anon_inode:[eventpoll]", "anon_inode:[eventfd]"}}
	m.eventually("stop what reads ahead", func() bool {
		pid := m.has(b.comm)
		return pid != 0 && strings.Contains(m.proc(pid, "stat"), ") T ")
	})
	b.checkProcess(m, m.has(b.comm))
}

// noDeniedCall: no child of a machine that is strict has made a system call that its list
// has not, which would have been its end.
func (m *machine) noDeniedCall() {
	m.t.Helper()
	if n := m.count("SIGSYS"); n > 0 {
		m.t.Errorf("%d children ended by a system call that their list has not\n%s", n, m.tail())
	}
}
