package supervise_test

import (
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/notify"
	"golang.org/x/sys/unix"
)

// withBird is a spec of a machine with a release of testdata/kinds, whose start takes its
// time, fails or is told of, by what the variable BIRD says.
func withBird(t *testing.T, name, ready, bird, toml string) machine.Spec {
	t.Helper()
	return machine.WithRelease(t, machine.Release(t, name), "hostname=node1 beaminit.health.ready="+ready,
		"[distribution]\nname = \"bird\"\n[release]\nenv = { BIRD = \""+bird+"\" }\n"+toml)
}

// never says whether a record of that state has been seen so far.
func never(m *machine.Machine, s health.State) bool {
	for _, r := range m.Records() {
		if r.State == s {
			return false
		}
	}
	return true
}

// A release whose application takes two seconds to start answers long before. Nobody asks it
// until it says that it has started, and then it is up.
func TestReadyStarted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"relx/own", "mix/runtime", "mix/reboot"} {
		t.Run(name, func(t *testing.T) {
			m := machine.Start(t, withBird(t, name, "started", "slow", ""))
			up, _ := m.State(health.Up, 0)
			exec, started := machine.Phase(up, "exec"), machine.Phase(up, "started")
			if started-exec < 2*time.Second || up.Up < started || machine.Phase(up, "listening") < started {
				t.Errorf("up %v, phases %v", up.Up, up.Phases)
			}
		})
	}
}

// A release whose application fails in its start/2 has answered before; that is not up,
// and the boot does not count as one that came up.
func TestReadyDies(t *testing.T) {
	t.Parallel()
	const toml = "[supervise]\nattempts = 1\ngive_up = \"rescue\"\nbackoff = [\"10ms\", \"10ms\"]\n"
	for ready, flashes := range map[string]bool{"listening": true, "started": false, "notify": false} {
		t.Run(ready, func(t *testing.T) {
			m := machine.Start(t, withBird(t, "relx/own", ready, "dies", toml))
			r, _ := m.State(health.Rescue, 0)
			if never(m, health.Up) == flashes {
				t.Errorf("was up: %v; %+v\n%s", !never(m, health.Up), r, m.Tail())
			}
			if machine.Phase(r, "started") != 0 {
				t.Errorf("phases: %v", r.Phases)
			}
		})
	}
}

// A release that says READY=1 by itself is up then, whoever it runs as, and stays so while
// PID 1 begins anew; what is said meanwhile is not lost.
func TestReadyNotify(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"", "1234"} {
		t.Run("user "+user, func(t *testing.T) {
			toml := ""
			if user != "" {
				toml = "user = \"" + user + "\"\n"
			}
			s := withBird(t, "relx/own", "notify", "says so", toml)
			s.Program, s.Writable = machine.Faulty(t), true
			m := machine.Start(t, s)
			first, next := m.Record("starting, and started", 0, func(r health.Record) bool { return machine.Phase(r, "started") != 0 })
			if first.State != health.Starting {
				t.Errorf("started: %+v", first)
			}
			m.Fault("turn")
			m.Line("PID 1 has begun anew")
			up, next := m.State(health.Up, next)
			if up.Restarts != 0 || up.PID != first.PID || machine.Phase(up, "ready")-machine.Phase(up, "started") < 2900*time.Millisecond {
				t.Errorf("up: %+v", up)
			}
			m.Fault("turn")
			m.LinesWith("PID 1 has begun anew", 2)
			again, next := m.Record("another", next, func(r health.Record) bool { return r.Seq > up.Seq+1 })
			if again.State != health.Up || again.PID != first.PID {
				t.Errorf("after a fall: %+v", again)
			}
			unix.Kill(m.VM(), unix.SIGKILL)
			_, next = m.State(health.Starting, next)
			m.Restarted(1, next)
		})
	}
}

// A release is ready though the process that says so for it has ended before PID 1 reads it, as
// systemd-notify(1) does.
func TestReadySaidByTheDead(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withBird(t, "relx/own", "notify", "", ""))
	m.Record("started", 0, func(r health.Record) bool { return machine.Phase(r, "started") != 0 })
	m.Must(unix.Kill(m.PID(), unix.SIGSTOP))
	pid := strconv.Itoa(m.PID())
	say := exec.Command("nsenter", "-p", "-t", pid, "python3", "-c", `import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", sys.argv[1])`, "/proc/"+pid+"/root"+notify.Socket)
	if out, err := say.CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
	m.Must(unix.Kill(m.PID(), unix.SIGCONT))
	m.State(health.Up, 0)
}

// A release that never says that it is ready starts until start_timeout is over. A
// stranger's word is none: that of a process that is not the release's, though it may
// write to the socket.
func TestReadyNever(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withBird(t, "relx/own", "notify", "", "[supervise]\nattempts = 1\ngive_up = \"rescue\"\n[health]\nstart_timeout = \"4s\"\n"))
	_, next := m.State(health.Starting, 0)
	stranger, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	m.Must(err)
	defer unix.Close(stranger)
	socket := &unix.SockaddrUnix{Name: "/proc/" + strconv.Itoa(m.PID()) + "/root" + notify.Socket}
	m.Eventually("make the socket", func() bool { return unix.Sendto(stranger, []byte("READY=1"), 0, socket) == nil })
	r, _ := m.State(health.Down, next)
	if r.Why != "hung: no READY=1 within 4s of its start" {
		t.Errorf("why=%q", r.Why)
	}
	if !never(m, health.Up) {
		t.Errorf("was up:\n%s", m.Tail())
	}
}

// Rubbish on the socket is harmless.
func TestReadyRubbish(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withBird(t, "relx/own", "notify", "rubbish", ""))
	m.State(health.Up, 0)
}

// ready = "listening" has a release up as soon as it answers, before it says that it has
// started.
func TestReadyListening(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withBird(t, "relx/own", "listening", "slow", ""))
	up, _ := m.State(health.Up, 0)
	if took := up.Up - machine.Phase(up, "exec"); took >= 2*time.Second {
		t.Logf("it took %v to answer: too slow to tell", took)
	}
	last, _ := m.Record("started", 0, func(r health.Record) bool { return machine.Phase(r, "started") != 0 })
	if machine.Phase(last, "started") <= up.Up {
		t.Errorf("up at %v, phases %v", up.Up, last.Phases)
	}
}
