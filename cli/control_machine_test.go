package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// The commands, one after the other, in a life of a release.
func TestCommands(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1", ""))
	up, next := m.State(health.Up, 0)
	m.Want(0, "state     up\n", "status")

	m.Want(0, "restarted: pid ", "restart")
	r, next := m.State(health.Stopping, next)
	if r.Why != "restart asked for by beaminit restart" {
		t.Errorf("why=%q", r.Why)
	}
	r, next = m.State(health.Up, next)
	if r.PID == up.PID || r.Restarts != 0 || r.Boot != up.Boot {
		t.Errorf("after restart: %+v", r)
	}
	m.Line("the release ended: exit status 0")

	m.Want(0, "stopped after ", "stop")
	r, next = m.State(health.Rescue, next)
	if r.PID != 0 || r.Why != "stop asked for by beaminit stop" {
		t.Errorf("after stop: %+v", r)
	}
	m.Want(1, "state     rescue\nwhy       stop asked for by beaminit stop\n", "status")
	m.Want(0, "stopped after ", "stop")
	m.Want(0, "restarted: pid ", "restart")
	_, next = m.State(health.Up, next)

	t.Run("hung", func(t *testing.T) {
		unix.Kill(m.VM(), unix.SIGSTOP)
		_, next = m.State(health.Hung, next)
		m.Want(1, "state     hung\n", "status")
		m.Want(0, "in rescue after 0.", "rescue")
		m.Line("the release ended: killed by signal 9 (SIGKILL)")
		m.Want(0, "restarted: pid ", "restart")
		r, next = m.State(health.Up, next)
		if r.Restarts != 0 {
			t.Errorf("restarts=%d, want 0: nothing failed", r.Restarts)
		}
	})
	t.Run("usage", func(t *testing.T) {
		m.Want(2, "too many arguments: now", "restart", "now")
		m.Want(2, "no command resart", "resart")
	})
	t.Run("ending", func(t *testing.T) {
		unix.Kill(m.VM(), unix.SIGSTOP) // it does not end by SIGTERM
		m.Signal(unix.SIGTERM)
		m.State(health.Stopping, next)
		m.Want(1, "state     stopping\n", "status")
		for _, c := range []string{"restart", "stop", "rescue"} {
			m.Want(1, "beaminit "+c+": the node is going down: reboot asked for by SIGTERM", c)
		}
		m.Line("restart asked for by beaminit restart (pid ")
		unix.Kill(m.VM(), unix.SIGKILL)
		if got := m.Ended(); got != unix.SIGHUP {
			t.Errorf("the kernel ended it with %v, want a reboot", got)
		}
	})
}

// A restart of what is not there ends where it began, and nothing else is announced.
func TestRestartOfNothing(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork + "hostname=node1 beaminit.supervise.attempts=3 beaminit.supervise.backoff=20ms,1s"})
	_, next := m.State(health.Rescue, 0)
	m.Want(1, "not restarted: state=down, no release to start", "restart")
	m.State(health.Rescue, next)
	m.Line("the release is not started any more, the node stays as it is")
	if said, reboots := m.Count(" more ends within 1m0s: rescue"), m.Count(": reboot"); said != 1 || reboots != 0 {
		t.Errorf("%d times what follows, want 1; %d times a reboot, want none:\n%s", said, reboots, m.Tail())
	}
}

// A release that does not want to end is killed after stop_timeout, whatever it was to
// be stopped for; and what was asked for last is what happens.
func TestRestartOfAReleaseThatHangs(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1 beaminit.supervise.stop_timeout=2s", ""))
	up, next := m.State(health.Up, 0)
	unix.Kill(m.VM(), unix.SIGSTOP)
	m.Want(0, "restarted: pid ", "restart")
	m.Line("the release ended: killed by signal 9 (SIGKILL)")
	// A record of before the restart may still come.
	r, _ := m.Record("up again", next, func(r health.Record) bool { return r.State == health.Up && r.PID != up.PID })
	if r.Restarts != 0 {
		t.Errorf("after restart: %+v", r)
	}
	unix.Kill(m.VM(), unix.SIGSTOP)
	first := make(chan string, 1)
	go func() { text, _ := m.Ask("restart"); first <- text }()
	m.LinesWith("restart asked for by beaminit restart (pid ", 2)
	m.Want(0, "stopped after ", "stop")
	if text := <-first; !strings.Contains(text, "not restarted: state=rescue, stop asked for by beaminit stop") {
		t.Errorf("the one who wanted a restart reads %q", text)
	}
}

// Commands before the release was started: nothing is waited for any more, and what was
// stopped is not started because the network comes.
func TestCommandsBeforeTheStart(t *testing.T) {
	t.Parallel()
	cmdline := "ip=10.77.0.11::10.77.0.1:255.255.255.0:node1:eth0:off beaminit.network.eth0.wait=30s"
	t.Run("restart", func(t *testing.T) {
		m := machine.Start(t, machine.WithERTS(t, cmdline, ""))
		_, next := m.State(health.Booting, 0)
		m.Reachable()
		m.Want(1, "state     booting\n", "status")
		m.Want(0, "restarted: pid ", "restart")
		r, _ := m.State(health.Up, next)
		if r.Restarts != 0 {
			t.Errorf("restarts=%d", r.Restarts)
		}
	})
	t.Run("stop", func(t *testing.T) {
		m := machine.Start(t, machine.WithERTS(t, strings.Replace(cmdline, "30s", "1s", 1), ""))
		_, next := m.State(health.Booting, 0)
		m.Reachable()
		m.Want(0, "stopped after ", "stop")
		_, next = m.State(health.Rescue, next)
		r, _ := m.Record("after the wait", next, func(r health.Record) bool { return r.Up > 3*time.Second+m.Records()[0].Up })
		if r.State != health.Rescue {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("reexec", func(t *testing.T) {
		m := machine.Start(t, machine.WithERTS(t, cmdline, ""))
		_, next := m.State(health.Booting, 0)
		m.Reachable()
		m.Want(0, "the node goes on: state=booting\n", "reexec")
		m.State(health.Booting, next)
		m.Want(0, "restarted: pid ", "restart")
	})
}

// A restart does not wait for the back-off, and begins it anew; also after the policy
// has given up.
func TestRestartAfterFailures(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1 beaminit.supervise.attempts=2 beaminit.supervise.backoff=60s,60s beaminit.supervise.give_up=rescue",
		"[release]\nargs = [\"-eval\", \"filelib:is_file(\\\"/data/good\\\") orelse halt(3).\"]\n")
	s.Writable = true
	m := machine.Start(t, s)
	pause := func(r health.Record) bool { return r.State == health.Down && r.Next > 30*time.Second }
	r, next := m.Record("down, and a pause", 0, pause) // after a first restart at once
	if r.Restarts != 1 {
		t.Errorf("down: %+v, want one restart before it", r)
	}
	m.Want(1, "state     down\n", "status")
	m.Want(0, "restarted: pid ", "restart")
	_, next = m.State(health.Starting, next)
	if r, next = m.Record("down, and a pause", next, pause); r.Restarts != 2 {
		t.Errorf("down: %+v, want another restart at once before it", r)
	}
	m.Want(0, "in rescue after 0.", "rescue")
	_, next = m.State(health.Rescue, next)
	m.File("data/good", "")
	m.Want(0, "restarted: pid ", "restart")
	m.State(health.Up, next)
}

// Where there is no release, a restart looks again.
func TestRestartFindsARelease(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1 beaminit.supervise.attempts=2 beaminit.supervise.backoff=10ms,10ms", "")
	dir := s.Bind["srv/erlang"]
	delete(s.Bind, "srv/erlang")
	s.Bind["srv/elsewhere"], s.Writable = dir, true
	s.TOML = "[release]\npath = [\"/srv/erlang\"]\n" + s.TOML
	m := machine.Start(t, s)
	r, next := m.State(health.Rescue, 0)
	m.Reachable()
	m.Want(1, "not restarted: state=", "restart")
	again, next := m.State(health.Rescue, next)
	if again.Why != r.Why || again.PID != 0 {
		t.Errorf("got %+v, want as before: %+v", again, r)
	}
	m.Must(os.Symlink("elsewhere", filepath.Join(m.Root, "srv/erlang")))
	m.Want(0, "restarted: pid ", "restart")
	m.State(health.Up, next)
}

// A release that was put on the node later is probed as it speaks: the monitor was
// started when there was none.
func TestReleaseComesLater(t *testing.T) {
	t.Parallel()
	s := machine.WithRelease(t, machine.Release(t, "relx/secure"), "hostname=n1", "[distribution.tls]\ncert = \"/data/cert.pem\"\n"+
		"key = \"/data/key.pem\"\nca = \"/data/ca.pem\"\n[release]\npath = [\"/run/later\"]\n")
	for name, text := range machine.CertificateFor(t, "n1") {
		s.Files[name] = text
	}
	m := machine.Start(t, s)
	_, next := m.State(health.Rescue, 0)
	m.Reachable()
	m.Must(os.Symlink("/srv/erlang", fmt.Sprintf("/proc/%d/root/run/later", m.PID())))
	m.Want(0, "restarted: pid ", "restart")
	m.State(health.Up, next)
	if n := m.Count("the monitor ended"); n > 0 {
		t.Errorf("the monitor ended %d times\n%s", n, m.Tail())
	}
}
