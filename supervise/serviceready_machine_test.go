package supervise_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"golang.org/x/sys/unix"
)

// sayReady is a line of a shell script that sends READY=1, from a process below the shell.
const sayReady = `python3 -c 'import os,socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])'`

// The release is started when the services that come before it are ready, though PID 1
// executes itself anew meanwhile.
func TestServiceReady(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withServices(t,
		serviceOf("gate", "while ! test -e /data/go; do sleep 0.05; done; "+sayReady+"; exec sleep 1000", "start = \"before\"\nready = \"notify\"\nready_timeout = \"1h\"\nuser = \"1234\"")+
			serviceOf("setup", "test -e /data/again || { touch /data/again; exit 1; }", "start = \"before\"\nready = \"exit\"\nrestart = \"on-failure\"\nready_timeout = \"1h\"")))
	m.Line("service setup ended (exit status 1), it is started again in ")
	m.Line("service setup is ready")
	m.Record("held", 0, func(r health.Record) bool {
		return r.State == health.Starting && strings.Contains(r.Why, "service gate")
	})
	m.Reachable()
	m.Want(0, "gate starting pid=", "service", "gate")
	m.Want(0, "and is beaminit dev", "reexec")
	m.Want(0, "not ready yet", "service", "gate")
	if n := m.Has("beam.smp"); n != 0 {
		t.Errorf("%d releases run before the service is ready", n)
	}
	saysAndEnds(m)
	m.Line("service gate is ready")
	r, next := m.State(health.Up, 0)
	if len(r.Warn) > 0 {
		t.Errorf("warn=%v", r.Warn)
	}

	pid := pidOf(m, "gate")
	m.Must(os.Remove(filepath.Join(m.Root, "data/go")))
	m.Must(unix.Kill(hostPID(m, pid), unix.SIGKILL))
	m.Record("warn", next, func(r health.Record) bool { return slices.Contains(r.Warn, "gate") })
	m.File("data/go", "")
	m.LinesWith("service gate is ready", 2)
	unix.Kill(m.VM(), unix.SIGKILL) // its next start waits for nothing
	m.Restarted(1, next)
}

// saysAndEnds has the process that says it for the service be gone before PID 1 reads it.
func saysAndEnds(m *machine.Machine) {
	m.T.Helper()
	out, _ := m.Ask("service", "gate")
	_, rest, _ := strings.Cut(out, "pid=")
	inside, err := strconv.Atoi(strings.SplitN(rest, " ", 2)[0])
	m.Must(err)
	gate := hostPID(m, inside)
	m.Must(unix.Kill(m.PID(), unix.SIGSTOP))
	m.File("data/go", "")
	m.Eventually("have said it", func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", gate))
		return string(text) == "sleep\x001000\x00"
	})
	m.Must(unix.Kill(m.PID(), unix.SIGCONT))
}

// A service that is not ready in time, or never can be, holds the release no longer.
func TestServiceNotReady(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, service, line string }{
		{"mute", serviceOf("mute", "exec sleep 1000", "start = \"before\"\nready = \"notify\"\nready_timeout = \"1s\""), "service mute is not ready after 1s; the release is started without it"},
		{"broken", serviceOf("broken", "exit 3", "start = \"before\"\nready = \"exit\"\nrestart = \"once\"\nready_timeout = \"1h\""), "service broken is not ready; the release is started without it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := machine.Start(t, withServices(t, c.service))
			m.Line(c.line)
			m.Record("up, with a warning", 0, func(r health.Record) bool {
				return r.State == health.Up && slices.Contains(r.Warn, c.name)
			})
		})
	}
}

// On the way down services are stopped behind the release, one by one, the last one first.
func TestServicesStop(t *testing.T) {
	t.Parallel()
	named := func(name, more string) string {
		return serviceOf(name, "trap 'sleep 0.2; echo I stop; exit 0' TERM; echo here; while :; do sleep 0.05; done", more)
	}
	m := machine.Start(t, withServices(t,
		named("with", "")+named("first", "start = \"before\"")+named("after", "start = \"after\"")+named("second", "start = \"before\"")+
			serviceOf("deaf", "trap '' TERM; echo here; while :; do sleep 0.05; done", "stop_timeout = \"500ms\"")))
	m.State(health.Up, 0)
	m.LinesWith(": here", 5)
	m.Want(0, "second", "service", "second", "restart") // its place is that which it had
	m.LinesWith("second: here", 2)
	ended := m.Count("second: I stop")
	m.Signal(unix.SIGTERM)
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("ended by %v, want a reboot", got)
	}
	for _, line := range []string{"reboot: release stopped: ", "reboot: services stopped: "} {
		if m.Count(line) != 1 {
			t.Errorf("no line %q", line)
		}
	}
	var got []string
	for _, line := range m.Lines() {
		for _, want := range []string{"after: I stop", "service deaf did not end within 500ms of SIGTERM, and was killed", "with: I stop", "second: I stop", "first: I stop"} {
			if strings.Contains(line, want) {
				got = append(got, strings.TrimSuffix(want, ": I stop"))
			}
		}
	}
	want := append([]string{"second"}[:ended], "after", "service deaf did not end within 500ms of SIGTERM, and was killed", "with", "second", "first")
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q\n%s", got, want, m.Tail())
	}
}

// The snippets of docs/board.md: a node in rescue is reached through dropbear, and chronyd asks
// the servers that a lease named.
func TestServiceSnippets(t *testing.T) {
	t.Parallel()
	s := withServices(t, `[[service]]
name = "dropbear"
exec = ["/usr/sbin/dropbear", "-F", "-E", "-R", "-p", "127.0.0.1:2222"]
in_rescue = true
[[service]]
name = "chronyd"
exec = ["/usr/sbin/chronyd", "-x", "-d", "-u", "root", "-f", "/etc/chrony/beaminit.conf"]
`)
	s.Files["etc/passwd"] = "root:x:0:0::/root:/bin/sh\n"
	s.Files["etc/shells"] = "/bin/sh\n"
	s.Files["etc/chrony/beaminit.conf"] = "sourcedir /run/beaminit/net\ndriftfile /data/chrony.drift\nmakestep 1 3\n"
	s.Dirs = append(s.Dirs, "var/lib/chrony", "etc/dropbear")
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("dropbearkey", "-t", "ed25519", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	} else {
		for _, line := range strings.Split(string(out), "\n") {
			if strings.HasPrefix(line, "ssh-ed25519 ") {
				s.Files["root/.ssh/authorized_keys"] = line + "\n"
			}
		}
	}
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	m.Reachable()
	pidOf(m, "dropbear")
	inside := func(argv ...string) (string, error) {
		out, err := exec.Command("nsenter", append([]string{"-n", "-m", "-t", fmt.Sprint(m.PID())}, argv...)...).CombinedOutput()
		return string(out), err
	}
	m.File("key", "")
	text, err := os.ReadFile(key)
	m.Must(err)
	m.Must(os.WriteFile(filepath.Join(m.Root, "key"), text, 0o600))

	m.Must(os.MkdirAll(fmt.Sprintf("/proc/%d/root/run/beaminit/net", m.PID()), 0o755))
	m.Must(os.WriteFile(fmt.Sprintf("/proc/%d/root/run/beaminit/net/eth0.sources", m.PID()), []byte("server 192.0.2.7 iburst\n"), 0o644))
	m.Want(0, "chronyd", "service", "chronyd", "restart")
	m.Eventually("have chronyd ask the server of the lease", func() bool {
		out, err := inside("/usr/bin/chronyc", "-n", "sources")
		return err == nil && strings.Contains(out, "192.0.2.7")
	})

	m.Want(0, "stopped", "stop") // in rescue
	m.Eventually("let somebody in", func() bool {
		out, err := inside("/usr/bin/dbclient", "-i", "/key", "-y", "-y", "-p", "2222", "root@127.0.0.1", "echo mended by $(id -u)")
		return err == nil && strings.Contains(out, "mended by 0")
	})
}
