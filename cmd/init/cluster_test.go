package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// bridge is a switch in a network namespace of its own; it ends with the test.
func bridge(t *testing.T) (pid int) {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	inNet(t, cmd.Process.Pid, "ip link add br0 type bridge && ip link set br0 up")
	return cmd.Process.Pid
}

func inNet(t testing.TB, pid int, script string) {
	t.Helper()
	if out, err := exec.Command("nsenter", "--net=/proc/"+strconv.Itoa(pid)+"/ns/net", "sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v %s", script, err, out)
	}
}

// plug gives the machine an eth0 whose other end is a port of the bridge.
func (m *machine) plug(bridge, port int) {
	m.t.Helper()
	inNet(m.t, m.PID(), fmt.Sprintf("ip link add eth0 type veth peer name port%d netns %d", port, bridge))
	inNet(m.t, bridge, fmt.Sprintf("ip link set port%d master br0 && ip link set port%d up", port, port))
}

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
	br := bridge(t)
	var ms []*machine
	for i := 1; i <= 3; i++ {
		s := withERTS(t, fmt.Sprintf("ip=10.77.0.1%d::10.77.0.1:255.255.255.0:n%d:eth0:off beaminit.network.eth0.wait=20s", i, i), toml)
		s.program = strict(t)
		m := power(t, s)
		ms = append(ms, m)
	}
	next := make([]int, 3)
	for i, m := range ms {
		_, next[i] = m.state(health.Booting, 0)
		m.plug(br, i)
	}
	for i, m := range ms {
		var r health.Record
		r, next[i] = m.state(health.Up, next[i])
		if r.Connected != 2 || r.Peers != 2 {
			t.Errorf("n%d: %d of %d peers, want 2 of 2", i+1, r.Connected, r.Peers)
		}
	}
	unix.Kill(ms[0].vm(), unix.SIGKILL)
	for i := 1; i < 3; i++ {
		var r health.Record
		r, next[i] = ms[i].state(health.Degraded, next[i])
		if len(r.Missing) != 1 || !r.Misses("n1") {
			t.Errorf("n%d misses %v, want n1", i+1, r.Missing)
		}
	}
	_, next[0] = ms[0].restarted(1, next[0])
	for i := range ms {
		_, next[i] = ms[i].record("whole again", next[i], func(r health.Record) bool { return r.State == health.Up && r.Connected == 2 })
		ms[i].noDeniedCall()
	}
}

// A peer with another cookie is named with that reason, and the attempts to connect to it,
// which come to nothing, become fewer: the console says so, once.
func TestOtherCookie(t *testing.T) {
	t.Parallel()
	br := bridge(t)
	var ms []*machine
	for i := 1; i <= 2; i++ {
		s := withERTS(t, fmt.Sprintf("ip=10.77.0.1%d::10.77.0.1:255.255.255.0:n%d:eth0:off beaminit.network.eth0.wait=20s beaminit.cluster.heal=200ms", i, i), "[peers]\nn1 = \"10.77.0.11\"\nn2 = \"10.77.0.12\"\n")
		s.files["data/cookie"] = fmt.Sprintf("cookie-of-%d", i)
		m := power(t, s)
		m.plug(br, i)
		ms = append(ms, m)
	}
	for _, m := range ms {
		m.record("another cookie", 0, func(r health.Record) bool { return len(r.Missing) == 1 && r.Missing[0].Reason == "cookie" })
		m.line("answers, and no connection to it comes about")
	}
	if n := ms[0].count("answers, and no connection to it comes about"); n != 1 {
		t.Errorf("that is said %d times", n)
	}
}
