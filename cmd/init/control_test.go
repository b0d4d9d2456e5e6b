package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// ask runs beaminit on the machine, and gives what it prints and its exit status.
func (m *machine) ask(args ...string) (text string, status int) {
	m.t.Helper()
	pid := strconv.Itoa(m.PID())
	cmd := exec.Command("nsenter", append([]string{"-m", "-n", "-p", "-u", "-t", pid, "/sbin/init"}, args...)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	m.t.Logf("beaminit %s: %d\n%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), out)
	return string(out), cmd.ProcessState.ExitCode()
}

// output is what a command of beaminit prints on the machine, and what it says beside.
func (m *machine) output(args ...string) (out, said string) {
	m.t.Helper()
	var text, errs strings.Builder
	cmd := exec.Command("nsenter", append([]string{"-m", "-n", "-p", "-u", "-t", strconv.Itoa(m.PID()), "/sbin/init"}, args...)...)
	cmd.Stdout, cmd.Stderr = &text, &errs
	if err := cmd.Run(); err != nil {
		m.t.Fatalf("beaminit %v: %v %s", args, err, errs.String())
	}
	m.t.Logf("beaminit %s\n%s%s", strings.Join(args, " "), errs.String(), text.String())
	return text.String(), errs.String()
}

// want asks, and the answer has to have that exit status and text.
func (m *machine) want(status int, text string, args ...string) {
	m.t.Helper()
	out, got := m.ask(args...)
	if got != status || !strings.Contains(out, text) {
		m.t.Errorf("beaminit %v: exit status %d, want %d; want %q in\n%s\n%s", args, got, status, text, out, m.tail())
	}
}

// reachable waits for the control socket: it comes after the first record.
func (m *machine) reachable() {
	m.t.Helper()
	path := fmt.Sprintf("/proc/%d/root/run/beaminit/control", m.PID())
	for deadline := time.Now().Add(nstest.Patience); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("no %s\n%s", path, m.tail())
		}
	}
}

// The commands, one after the other, in a life of a release.
func TestCommands(t *testing.T) {
	t.Parallel()
	m := power(t, withERTS(t, "hostname=node1", ""))
	up, next := m.state(health.Up, 0)
	m.want(0, "state     up\n", "status")

	m.want(0, "restarted: pid ", "restart")
	r, next := m.state(health.Stopping, next)
	if r.Why != "restart asked for by beaminit restart" {
		t.Errorf("why=%q", r.Why)
	}
	r, next = m.state(health.Up, next)
	if r.PID == up.PID || r.Restarts != 0 || r.Boot != up.Boot {
		t.Errorf("after restart: %+v", r)
	}
	m.line("the release ended: exit status 0")

	m.want(0, "stopped after ", "stop")
	r, next = m.state(health.Rescue, next)
	if r.PID != 0 || r.Why != "stop asked for by beaminit stop" {
		t.Errorf("after stop: %+v", r)
	}
	m.want(1, "state     rescue\nwhy       stop asked for by beaminit stop\n", "status")
	m.want(0, "stopped after ", "stop")
	m.want(0, "restarted: pid ", "restart")
	_, next = m.state(health.Up, next)

	t.Run("hung", func(t *testing.T) {
		unix.Kill(m.vm(), unix.SIGSTOP)
		_, next = m.state(health.Hung, next)
		m.want(1, "state     hung\n", "status")
		m.want(0, "in rescue after 0.", "rescue")
		m.line("the release ended: killed by signal 9 (SIGKILL)")
		m.want(0, "restarted: pid ", "restart")
		r, next = m.state(health.Up, next)
		if r.Restarts != 0 {
			t.Errorf("restarts=%d, want 0: nothing failed", r.Restarts)
		}
	})
	t.Run("usage", func(t *testing.T) {
		m.want(2, "too many arguments: now", "restart", "now")
		m.want(2, "no command resart", "resart")
	})
	t.Run("ending", func(t *testing.T) {
		unix.Kill(m.vm(), unix.SIGSTOP) // it does not end by SIGTERM
		m.signal(unix.SIGTERM)
		m.state(health.Stopping, next)
		m.want(1, "state     stopping\n", "status")
		for _, c := range []string{"restart", "stop", "rescue"} {
			m.want(1, "beaminit "+c+": the node is going down: reboot asked for by SIGTERM", c)
		}
		m.line("restart asked for by beaminit restart (pid ")
		unix.Kill(m.vm(), unix.SIGKILL)
		if got := m.ended(); got != unix.SIGHUP {
			t.Errorf("the kernel ended it with %v, want a reboot", got)
		}
	})
}

// A release that does not want to end is killed after stop_timeout, whatever it was to
// be stopped for; and what was asked for last is what happens.
func TestRestartOfAReleaseThatHangs(t *testing.T) {
	t.Parallel()
	m := power(t, withERTS(t, "hostname=node1 beaminit.supervise.stop_timeout=2s", ""))
	up, next := m.state(health.Up, 0)
	unix.Kill(m.vm(), unix.SIGSTOP)
	m.want(0, "restarted: pid ", "restart")
	m.line("the release ended: killed by signal 9 (SIGKILL)")
	// A record of before the restart may still come.
	r, _ := m.record("up again", next, func(r health.Record) bool { return r.State == health.Up && r.PID != up.PID })
	if r.Restarts != 0 {
		t.Errorf("after restart: %+v", r)
	}
	unix.Kill(m.vm(), unix.SIGSTOP)
	first := make(chan string, 1)
	go func() { text, _ := m.ask("restart"); first <- text }()
	m.linesWith("restart asked for by beaminit restart (pid ", 2)
	m.want(0, "stopped after ", "stop")
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
		m := power(t, withERTS(t, cmdline, ""))
		_, next := m.state(health.Booting, 0)
		m.reachable()
		m.want(1, "state     booting\n", "status")
		m.want(0, "restarted: pid ", "restart")
		r, _ := m.state(health.Up, next)
		if r.Restarts != 0 {
			t.Errorf("restarts=%d", r.Restarts)
		}
	})
	t.Run("stop", func(t *testing.T) {
		m := power(t, withERTS(t, strings.Replace(cmdline, "30s", "1s", 1), ""))
		_, next := m.state(health.Booting, 0)
		m.reachable()
		m.want(0, "stopped after ", "stop")
		_, next = m.state(health.Rescue, next)
		r, _ := m.record("after the wait", next, func(r health.Record) bool { return r.Up > 3*time.Second+m.Records()[0].Up })
		if r.State != health.Rescue {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("reexec", func(t *testing.T) {
		m := power(t, withERTS(t, cmdline, ""))
		_, next := m.state(health.Booting, 0)
		m.reachable()
		m.want(0, "the node goes on: state=booting\n", "reexec")
		m.state(health.Booting, next)
		m.want(0, "restarted: pid ", "restart")
	})
}

// A restart does not wait for the back-off, and begins it anew; also after the policy
// has given up.
func TestRestartAfterFailures(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1 beaminit.supervise.attempts=2 beaminit.supervise.backoff=60s,60s beaminit.supervise.give_up=rescue",
		"[release]\nargs = [\"-eval\", \"filelib:is_file(\\\"/data/good\\\") orelse halt(3).\"]\n")
	s.writable = true
	m := power(t, s)
	pause := func(r health.Record) bool { return r.State == health.Down && r.Next > 30*time.Second }
	r, next := m.record("down, and a pause", 0, pause) // after a first restart at once
	if r.Restarts != 1 {
		t.Errorf("down: %+v, want one restart before it", r)
	}
	m.want(1, "state     down\n", "status")
	m.want(0, "restarted: pid ", "restart")
	_, next = m.state(health.Starting, next)
	if r, next = m.record("down, and a pause", next, pause); r.Restarts != 2 {
		t.Errorf("down: %+v, want another restart at once before it", r)
	}
	m.want(0, "in rescue after 0.", "rescue")
	_, next = m.state(health.Rescue, next)
	m.file("data/good", "")
	m.want(0, "restarted: pid ", "restart")
	m.state(health.Up, next)
}

// Where there is no release, a restart looks again.
func TestRestartFindsARelease(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1 beaminit.supervise.attempts=2 beaminit.supervise.backoff=10ms,10ms", "")
	dir := s.bind["srv/erlang"]
	delete(s.bind, "srv/erlang")
	s.bind["srv/elsewhere"], s.writable = dir, true
	s.toml = "[release]\npath = [\"/srv/erlang\"]\n" + s.toml
	m := power(t, s)
	r, next := m.state(health.Rescue, 0)
	m.reachable()
	m.want(1, "not restarted: state=", "restart")
	again, next := m.state(health.Rescue, next)
	if again.Why != r.Why || again.PID != 0 {
		t.Errorf("got %+v, want as before: %+v", again, r)
	}
	m.must(os.Symlink("elsewhere", filepath.Join(m.root, "srv/erlang")))
	m.want(0, "restarted: pid ", "restart")
	m.state(health.Up, next)
}

// A release that was put on the node later is probed as it speaks: the monitor was
// started when there was none.
func TestReleaseComesLater(t *testing.T) {
	t.Parallel()
	s := withRelease(t, releaseOf(t, "relx/secure"), "hostname=n1", "[distribution.tls]\ncert = \"/data/cert.pem\"\n"+
		"key = \"/data/key.pem\"\nca = \"/data/ca.pem\"\n[release]\npath = [\"/run/later\"]\n")
	for name, text := range certificateFor(t, "n1") {
		s.files[name] = text
	}
	m := power(t, s)
	_, next := m.state(health.Rescue, 0)
	m.reachable()
	m.must(os.Symlink("/srv/erlang", fmt.Sprintf("/proc/%d/root/run/later", m.PID())))
	m.want(0, "restarted: pid ", "restart")
	m.state(health.Up, next)
	if n := m.count("the monitor ended"); n > 0 {
		t.Errorf("the monitor ended %d times\n%s", n, m.tail())
	}
}
