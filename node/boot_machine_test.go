package node_test

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise"
	"golang.org/x/sys/unix"
)

// A node without a release boots as far as it can, says what is missing, stays
// reachable, and goes down as it is told.
func TestNoRelease(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		signal syscall.Signal
		want   syscall.Signal
		why    string
	}{
		{"reboot", unix.SIGTERM, unix.SIGHUP, "reboot asked for by SIGTERM"},
		{"Ctrl-Alt-Del", unix.SIGINT, unix.SIGHUP, "reboot asked for by Ctrl-Alt-Del"},
		{"poweroff", unix.SIGUSR2, unix.SIGINT, "poweroff asked for by SIGUSR2"},
		{"halt", unix.SIGUSR1, unix.SIGINT, "halt asked for by SIGUSR1"},
		{"power failure", unix.SIGPWR, unix.SIGINT, "halt asked for by SIGPWR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork})
			r, next := m.State(health.Rescue, 0)
			if !strings.Contains(r.Why, "/srv/erlang") {
				t.Errorf("why=%q does not say where a release was looked for", r.Why)
			}
			m.Signal(tt.signal)
			r, _ = m.State(health.Stopping, next)
			if r.Why != tt.why {
				t.Errorf("why=%q, want %q", r.Why, tt.why)
			}
			if got := m.Ended(); got != tt.want {
				t.Errorf("the kernel ended it with %v, want %v", got, tt.want)
			}
		})
	}
}

// What is wrong in the sources is said with its place, and the node is up as far
// as it can be: it answers signals and writes health records.
func TestBadConfig(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, cmdline, toml string
		want                []string
	}{
		{"not TOML", "", "[health]\ninterval = \"1s\"\n[peers\n", []string{"/etc/beaminit.toml:3: "}},
		{"unknown key", "", "[node]\nhostnam = \"x\"\n", []string{"/etc/beaminit.toml:2: node.hostnam: ", "node.hostname"}},
		{"wrong type", "", "[distribution]\nport = \"many\"\n", []string{"/etc/beaminit.toml:2: distribution.port: ", "17012"}},
		{"wrong address", "ip=192.168.7.256::::h:eth0:off", "", []string{"kernel command line", "192.168.7.256"}},
		{"wrong shape", "", "node = 3\npeers = []\n", []string{"/etc/beaminit.toml:1: ", "/etc/beaminit.toml:2: "}},
		{"a mount that cannot be", "", "[[mount]]\nsource = \"none\"\ntarget = \"/data\"\ntype = \"nosuchfs\"\n", []string{"nosuchfs", "/data"}},
		{"no such module", "beaminit.kernel.modules=no_such_module", "", []string{"no_such_module"}},
		{"has no effect", "ip=10.0.0.6:::255.0.0.0:h:lo:bootp", "", []string{"bootp has no effect beside a client address"}},
		{"the kernel's own console", "console=ttyS0,115200 beaminit.console.tty=ttyS0", "", []string{"console.tty: ttyS0 is the kernel's console too"}},
		{"no such setting of a tty", "beaminit.console.options=fast", "", []string{`console.options: "fast" is no setting of a tty; want as the kernel's console= has it`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := machine.Start(t, machine.Spec{Cmdline: "hostname=node1 " + tt.cmdline, TOML: tt.toml})
			r, _ := m.State(health.Rescue, 0)
			if !strings.HasSuffix(r.Node, "@node1") {
				t.Errorf("node=%s, want one @node1", r.Node)
			}
			for _, text := range tt.want {
				m.Line(text)
			}
		})
	}
}

// An interface that is absent is reported, and configured when it comes at last.
func TestLateInterface(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.Spec{
		Cmdline: "ip=10.77.0.11::10.77.0.1:255.255.255.0:node1:eth0:off beaminit.network.eth0.wait=300ms",
	})
	m.Line("network: eth0: absent")
	m.State(health.Rescue, 0)
	ns := "/proc/" + strconv.Itoa(m.PID()) + "/ns/net"
	out, err := exec.Command("nsenter", "--net="+ns, "sh", "-c",
		"ip link add eth0 type veth peer name other && ip link set other up").CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	m.Line("network: eth0: ready")
	out, _ = exec.Command("nsenter", "--net="+ns, "ip", "-4", "address", "show", "dev", "eth0").CombinedOutput()
	if !strings.Contains(string(out), "inet 10.77.0.11/24") {
		t.Errorf("eth0 has no address:\n%s", out)
	}
}

// A full /run costs the generated files and nothing else.
func TestFullRun(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork, Tmpfs: map[string]string{"run": "nr_inodes=1"}})
	m.State(health.Rescue, 0)
	m.Line("/run/beaminit")
	m.Line("no space left")
}

// Every signal that a process can be sent leaves PID 1 alive, but for the five
// that it acts on and the two that no process can catch.
func TestSignalsAreHarmless(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork + "beaminit.health.interval=200ms"})
	_, next := m.State(health.Rescue, 0)
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if _, why := supervise.ActionOf(sig); why != "" || sig == unix.SIGKILL || sig == unix.SIGSTOP {
			continue
		}
		m.InPIDs("kill", "-"+strconv.Itoa(int(sig)), "1")
	}
	// Two more records: the loop turned after the last of them.
	_, next = m.State(health.Rescue, next)
	m.State(health.Rescue, next)
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork})
	m.State(health.Rescue, 0)
	begun := time.Now()
	m.InPIDs("sh", "-c", machine.StormScript(2000))
	t.Logf("2,000 orphans in %v", time.Since(begun))
	m.WaitNoZombies()
}
