package release_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// kind is a cluster of three.
type kind struct {
	name     string
	releases []string // of the nodes; one: all have it
	toml     string
	six      bool   // IPv6
	domain   string // of the host names
	ports    bool   // n1 has 17001 and so on
	says     []string
	node     string // the name of each node before the @
	files    func(t *testing.T, i int) map[string]string
	then     func(t *testing.T, ms []*machine.Machine, next []int)
}

// Releases of every kind start as they were made, from a read-only root without a shell,
// and find each other.
func TestKinds(t *testing.T) {
	t.Parallel()
	const (
		named   = "[distribution]\nname = \"bird\"\n"
		withTLS = "[distribution.tls]\ncert = \"/data/cert.pem\"\nkey = \"/data/key.pem\"\nca = \"/data/ca.pem\"\n"
	)
	for _, k := range []kind{
		{name: "relx", releases: []string{"relx/own", "relx/system", "relx/bare"}, node: "bird",
			says: []string{"word plain mode embedded", "word plain mode embedded", "word plain mode embedded"}},
		{name: "each its own", releases: []string{"relx/template", "systools", "mix/plain"}, node: "bird",
			toml: named + "[release]\nenv = { WORD = \"a & b\" }\n",
			says: []string{`word {"a & b","standing in",bird@n1}`, "", "word compiled consolidated true"}},
		{name: "mix", releases: []string{"mix/plain", "mix/runtime", "mix/reboot"}, toml: named, node: "bird",
			says: []string{"word compiled", "word runtime-runtime consolidated true", "word runtime-reboot consolidated true"}, then: restartFirst},
		{name: "eclero", releases: []string{"relx/own+eclero"}, node: "eclero", says: []string{"word none"}},
		{name: "eclero, its module", releases: []string{"relx/epmdless+eclero"}, toml: "[distribution]\nepmd = \"module:epmdless_client\"\n",
			node: "eclero", says: []string{"word none"}, then: byEpmdless},
		{name: "toliman, distributed", releases: []string{"relx/own+distributed"}, node: "toliman", says: []string{"word plain"}, then: failOver},
		{name: "toliman, long names", releases: []string{"relx/own+toliman", "relx/own+moved", "mix/runtime"}, domain: ".farm.lan", node: "toliman",
			toml: "[distribution]\nname = \"toliman\"\nnames = \"long\"\n"},
		{name: "module", releases: []string{"relx/own"}, toml: "[distribution]\nepmd = \"module:bird_epmd\"\n", ports: true, node: "bird"},
		{name: "epmd", releases: []string{"relx/own", "systools", "mix/plain"}, toml: named + "epmd = \"daemon\"\n", node: "bird", then: killEpmd},
		{name: "IPv6", releases: []string{"relx/own", "systools", "mix/plain"}, toml: named, six: true, node: "bird"},
		{name: "TLS", releases: []string{"relx/secure"}, node: "bird", files: machine.Certificates(t), then: stopFirst,
			toml: withTLS},
		{name: "newer OTP", releases: []string{"newer/relx/own", "newer/systools", "newer/mix/runtime"}, toml: named, node: "bird"},
		{name: "newer OTP, IPv6", releases: []string{"newer/relx/own"}, six: true, node: "bird"},
		{name: "newer OTP, TLS", releases: []string{"newer/relx/secure"}, node: "bird", files: machine.Certificates(t), toml: withTLS},
		{name: "newer OTP, epmd", releases: []string{"newer/systools", "newer/relx/own", "newer/mix/plain"}, toml: named + "epmd = \"daemon\"\n", node: "bird"},
		{name: "newer OTP beside another", releases: []string{"relx/own", "newer/relx/own", "newer/mix/reboot"}, toml: named, node: "bird"},
	} {
		t.Run(k.name, k.run)
	}
}

func (k *kind) run(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	toml := k.toml + "[peers]\n"
	for i := 1; i <= 3; i++ {
		toml += k.peer(i)
	}
	var ms []*machine.Machine
	for i := 1; i <= 3; i++ {
		s := machine.WithRelease(t, machine.Release(t, k.releases[(i-1)%len(k.releases)]), k.cmdline(i), toml)
		if k.files != nil {
			for name, text := range k.files(t, i) {
				s.Files[name] = text
			}
		}
		ms = append(ms, machine.Start(t, s))
	}
	next := make([]int, 3)
	for i, m := range ms {
		_, next[i] = m.State(health.Booting, 0)
		m.Plug(br, i)
	}
	for i, m := range ms {
		var r health.Record
		r, next[i] = m.Record("up with all peers", next[i], func(r health.Record) bool { return r.State == health.Up && r.Connected == 2 })
		want := fmt.Sprintf("%s@n%d%s", k.node, i+1, k.domain)
		if r.Node != want || r.Peers != 2 || r.Restarts != 0 {
			t.Errorf("%+v, want node %s, 2 peers, no restart\n%s", r, want, m.Tail())
		}
		if i < len(k.says) {
			m.Line(k.says[i])
		}
		m.Alone()
		if n := m.Count("eprecated"); n > 0 {
			t.Errorf("%d lines tell of something deprecated:\n%s", n, m.Tail())
		}
	}
	if k.then != nil {
		k.then(t, ms, next)
	}
}

func (k *kind) peer(i int) string {
	address := fmt.Sprintf("10.77.0.1%d", i)
	if k.six {
		address = fmt.Sprintf("fd77::1%d", i)
	}
	port := ""
	if k.ports {
		port = fmt.Sprintf(", port = 1700%d", i)
	}
	return fmt.Sprintf("n%d = { address = %q%s }\n", i, address, port)
}

func (k *kind) cmdline(i int) string {
	if k.six {
		return fmt.Sprintf("hostname=n%d%s beaminit.network.eth0.address=fd77::1%d/64 beaminit.network.eth0.wait=20s", i, k.domain, i)
	}
	return fmt.Sprintf("hostname=n%d%s beaminit.network.eth0.address=10.77.0.1%d/24 beaminit.network.eth0.wait=20s", i, k.domain, i)
}

// restartFirst ends the VMs of releases that write their configuration at each start.
func restartFirst(t *testing.T, ms []*machine.Machine, next []int) {
	for _, i := range []int{1, 2} {
		unix.Kill(ms[i].VM(), unix.SIGKILL)
	}
	for _, i := range []int{1, 2} {
		_, next[i] = ms[i].Restarted(1, next[i])
		ms[i].LinesWith("word runtime-", 2)
	}
}

// killEpmd ends the epmd of a node. It comes back, the node is known to it again, and
// both are there for a VM that is started anew.
func killEpmd(t *testing.T, ms []*machine.Machine, next []int) {
	m := ms[0]
	first := m.Child("epmd")
	unix.Kill(first, unix.SIGKILL)
	m.Line("what the release needs beside it ended (killed by signal 9 (SIGKILL))")
	m.Await("another epmd", nstest.Patience, func() bool { return m.Has("epmd") != 0 && m.Has("epmd") != first })
	unix.Kill(m.VM(), unix.SIGKILL)
	_, next[0] = m.Restarted(1, next[0])
	m.Record("whole again", next[0], func(r health.Record) bool { return r.State == health.Up && r.Connected == 2 })
	m.Signal(unix.SIGTERM)
	m.Line("the release ended: exit status 0")
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}

// stopFirst: a VM with TLS that is stopped is known to hang, and none of the probes left
// a line.
func stopFirst(t *testing.T, ms []*machine.Machine, next []int) {
	pid := ms[0].VM()
	unix.Kill(pid, unix.SIGSTOP)
	_, n := ms[0].State(health.Hung, next[0])
	unix.Kill(pid, unix.SIGCONT)
	ms[0].State(health.Up, n)
	for _, m := range ms {
		if n := m.Count("TLS server"); n > 0 {
			t.Errorf("%d lines about TLS:\n%s", n, m.Tail())
		}
	}
}

// byEpmdless: the carrier and the module of the release are in use, as its vm.args has
// them, and nothing of OTP in their place.
func byEpmdless(t *testing.T, ms []*machine.Machine, _ []int) {
	for i, m := range ms {
		m.Want(0, "epmdless_client\n", "rpc", "net_kernel", "epmd_module")
		args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", m.VM()))
		if line := strings.ReplaceAll(string(args), "\x00", " "); err != nil || !strings.Contains(line, " -proto_dist epmdless_proto ") {
			t.Errorf("n%d: %v, no -proto_dist epmdless_proto in %q", i+1, err, line)
		}
	}
	ms[0].Visited(t, false)
}

// failOver: the application of the cluster runs on the first node alone, goes to another
// with the end of its VM, and comes back with it. On a busy machine another node may have
// run it before the first was there.
func failOver(t *testing.T, ms []*machine.Machine, next []int) {
	const starts = "release: bird toliman@"
	onFirst := func() {
		ms[0].Eventually("run on the first node alone", func() bool { return runsBird(ms[0]) && !runsBird(ms[1]) && !runsBird(ms[2]) })
	}
	onFirst()
	for _, m := range ms { // one that goes while the others agree on names is missed twice
		m.Want(0, "ok\n", "rpc", "global", "sync")
	}
	first, others := ms[0].Count(starts), ms[1].Count(starts)+ms[2].Count(starts)
	unix.Kill(ms[0].VM(), unix.SIGKILL)
	for deadline := time.Now().Add(nstest.Patience); ms[1].Count(starts)+ms[2].Count(starts) == others; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it runs nowhere\n%s\n%s", ms[1].Tail(), ms[2].Tail())
		}
	}
	_, next[0] = ms[0].Restarted(1, next[0])
	ms[0].LinesWith(starts, first+1)
	if n := ms[1].Count(starts) + ms[2].Count(starts) - others; n != 1 {
		t.Errorf("it was started %d times on the others\n%s\n%s", n, ms[1].Tail(), ms[2].Tail())
	}
	onFirst()
	ms[0].Record("whole again", next[0], func(r health.Record) bool { return r.State == health.Up && r.Connected == 2 })
}

// runsBird says whether the node's own VM runs the application now.
func runsBird(m *machine.Machine) bool {
	out, status := m.Ask("rpc", "application", "which_applications")
	return status == 0 && strings.Contains(out, "{bird,")
}
