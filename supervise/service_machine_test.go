package supervise_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// withServices is a machine with a release and services that are shell scripts.
func withServices(t *testing.T, toml string) machine.Spec {
	s := machine.WithERTS(t, "hostname=node1", toml)
	for _, dir := range []string{"usr", "lib", "lib64", "bin"} {
		if _, err := os.Stat("/" + dir); err == nil {
			s.Bind[dir] = "/" + dir
		}
	}
	s.Dirs = append(s.Dirs, "lib64", "bin")
	s.Writable = true
	return s
}

func serviceOf(name, script, more string) string {
	return fmt.Sprintf("[[service]]\nname = %q\nexec = [\"/bin/sh\", \"-c\", %q]\n%s\n", name, script, more)
}

// pidOf waits until a service runs, and gives its process.
func pidOf(m *machine.Machine, name string) (pid int) {
	m.T.Helper()
	m.Eventually(name+" runs", func() bool {
		out, _ := m.Ask("service", name)
		_, rest, ok := strings.Cut(out, "up pid=")
		pid, _ = strconv.Atoi(strings.SplitN(rest, " ", 2)[0])
		return ok
	})
	return pid
}

// A service may be named as what PID 1 itself starts: it stays that service, and those stay what they
// are, when PID 1 executes itself anew.
func TestServicesNamedAsChildren(t *testing.T) {
	t.Parallel()
	names := []string{"release", "devices", "modules", "monitor", "network", "discovery", "readahead"}
	toml := "[[device]]\nmatch = \"tty60\"\nmode = \"0640\"\n"
	for _, name := range names {
		toml += serviceOf(name, "echo hello; exec sleep 1000", "")
	}
	m := machine.Start(t, withServices(t, toml))
	_, next := m.State(health.Up, 0)
	pids := map[string]int{"beaminit-device": m.Has("beaminit-device"), "beam.smp": m.Has("beam.smp")}
	for _, name := range names {
		pids[name] = pidOf(m, name)
	}
	m.Want(0, "", "reexec")
	m.Record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up && r.Warn == nil })
	for name, was := range pids {
		now := m.Has(name)
		if strings.Contains(toml, fmt.Sprintf("name = %q", name)) {
			now = pidOf(m, name)
		}
		if now != was || was == 0 {
			t.Errorf("%s is process %d, and was %d\n%s", name, now, was, m.Tail())
		}
	}
	if n := m.Count("temporarily unavailable"); n > 0 {
		t.Errorf("%d times something was read by two\n%s", n, m.Tail())
	}
}

// One that was never started does not become that child either.
func TestServiceNamedAsChildNotStarted(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t, "[[device]]\nmatch = \"tty60\"\nmode = \"0640\"\n"+serviceOf("devices", "exit 1", "restart = \"never\"")))
	_, next := m.State(health.Up, 0)
	m.Want(0, "devices not started", "service", "devices")
	m.Want(0, "", "reexec")
	m.Record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up })
	m.Want(0, "devices not started", "service", "devices")
}

// The history tells that a service failed, once for several times in a row.
func TestServiceHistory(t *testing.T) {
	t.Parallel()
	s, _ := machine.OnDisk(t, withServices(t, serviceOf("failing", "exit 3", "")+serviceOf("oneshot", "exit 0", "restart = \"once\"")))
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	m.Line("service failing ended (exit status 3), it is started again in 2s")
	var out string
	m.Eventually("be remembered", func() bool {
		out, _ = m.Ask("history")
		return strings.Contains(out, "service failing ended (exit status 3)")
	})
	if strings.Count(out, "service failing ended") != 1 || strings.Contains(out, "oneshot") {
		t.Errorf("the history is\n%s", out)
	}
}

// A service is an entry of PID 1's table of children, and nothing more: it has the start,
// the back-off, the stop, the hand-over, the bounds and the evidence of all of them.
func TestService(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t,
		serviceOf("bounded", "echo here I am; exec sleep 1000", "user = \"1234\"\nlimits = { nofile = \"77\" }\ncapabilities = [\"net_bind_service\"]\nenv = { COLOUR = \"red\" }")+
			serviceOf("failing", "echo about to fail; exit 3", "")+
			serviceOf("oneshot", "echo done once", "restart = \"once\"")+
			serviceOf("manual", "exec sleep 1000", "restart = \"never\"")))
	m.State(health.Up, 0)
	m.Reachable()
	m.Line("bounded: here I am")
	pid := pidOf(m, "bounded")
	inside, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", hostPID(m, pid)))
	m.Must(err)
	for _, want := range []string{"Uid:\t1234\t1234\t1234\t1234", "NoNewPrivs:\t1", "CapBnd:\t0000000000000400", "CapAmb:\t0000000000000400"} {
		if !strings.Contains(string(inside), want) {
			t.Errorf("the status of the service lacks %q:\n%s", want, inside)
		}
	}
	if got := m.LimitsOf(hostPID(m, pid))["Max open files"]; !strings.HasPrefix(got, "77") {
		t.Errorf("open files: %q, want 77", got)
	}

	t.Run("back-off and evidence", func(t *testing.T) {
		m.Line("service failing ended (exit status 3), it is started again in 1s")
		m.Line("service failing ended (exit status 3), it is started again in 2s")
		m.Record("warn", 0, func(r health.Record) bool { return strings.Join(r.Warn, ",") == "failing" })
		m.Want(0, "failing down, started again in ", "service")
		m.Want(0, "exit status 3", "service", "failing")
	})
	t.Run("once, and by hand", func(t *testing.T) {
		if prefix := m.Prefix("service oneshot ended (exit status 0)"); prefix != "<29>" {
			t.Errorf("it has done its work, and that is %s, want a notice", prefix)
		}
		if prefix := m.Prefix("service failing ended (exit status 3)"); prefix != "<28>" {
			t.Errorf("that a service fails is %s, want a warning", prefix)
		}
		m.Want(0, "oneshot ended: exit status 0, started 1 times", "service", "oneshot")
		m.Want(0, "manual not started", "service", "manual")
		m.Want(0, "manual up pid=", "service", "manual", "start")
		m.Want(1, "there is no service nobody", "service", "nobody")
		m.Want(1, "want start, stop or restart", "service", "manual", "bend")
	})
	t.Run("killed", func(t *testing.T) {
		m.Must(unix.Kill(hostPID(m, pid), unix.SIGKILL))
		m.Line("service bounded ended (killed by signal 9 (SIGKILL)), it is started again in 1s")
		if again := pidOf(m, "bounded"); again == pid {
			t.Errorf("the same process %d", pid)
		} else {
			pid = again
		}
	})
	t.Run("hand-over", func(t *testing.T) {
		m.Want(0, "and is beaminit dev", "reexec")
		if now := pidOf(m, "bounded"); now != pid {
			t.Errorf("pid %d became %d", pid, now)
		}
		m.Want(0, "bounded ", "service", "bounded", "restart")
		m.LinesWith("bounded: here I am", 3)
		pidOf(m, "bounded")
	})
	t.Run("stop", func(t *testing.T) {
		m.Want(0, "bounded", "service", "bounded", "stop")
		m.Eventually("it has ended", func() bool {
			out, _ := m.Ask("service", "bounded")
			return strings.Contains(out, "bounded ended: killed by signal 15 (SIGTERM)")
		})
	})
	m.Signal(unix.SIGTERM)
	if sig := m.Ended(); sig != unix.SIGHUP {
		t.Errorf("ended by %v, want a reboot", sig)
	}
}

// hostPID is the pid, outside of the machine, of a process inside of it.
func hostPID(m *machine.Machine, inside int) (pid int) {
	m.T.Helper()
	want := strconv.Itoa(inside)
	for _, p := range m.Below() {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p))
		_, line, _ := strings.Cut(string(text), "NSpid:")
		f := strings.Fields(strings.SplitN(line, "\n", 2)[0])
		if len(f) > 1 && f[len(f)-1] == want {
			return p
		}
	}
	m.T.Fatalf("no process %d inside\n%s", inside, m.Tail())
	return 0
}

// When services are started, and which of them are for rescue.
func TestServiceMoments(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t,
		serviceOf("before", "echo I am first", "start = \"before\"\nrestart = \"once\"")+
			serviceOf("after", "echo all is up", "start = \"after\"\nrestart = \"once\"")+
			serviceOf("with", "exec sleep 1000", "stop_timeout = \"1s\"")+
			serviceOf("rescue", "exec sleep 1000", "in_rescue = true")))
	m.State(health.Up, 0)
	m.Reachable()
	m.Line("before: I am first")
	m.Line("after: all is up")
	with, rescue := pidOf(m, "with"), pidOf(m, "rescue")
	m.Want(0, "stopped after", "stop")
	m.Eventually("one service is stopped", func() bool {
		out, _ := m.Ask("service", "with")
		return strings.Contains(out, "with ended")
	})
	if now := pidOf(m, "rescue"); now != rescue {
		t.Errorf("rescue: %d became %d", rescue, now)
	}
	m.Want(0, "restarted", "restart")
	if now := pidOf(m, "with"); now == with {
		t.Errorf("with: still %d", now)
	}
	if n := m.Count("before: I am first"); n != 1 {
		t.Errorf("the one that runs once ran %d times", n)
	}
}
