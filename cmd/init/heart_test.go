package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// withHeart is a spec of a machine whose release has -heart, and whose only shell is
// the init itself. eval is evaluated by the release.
func withHeart(t *testing.T, timeout int, eval, toml string) spec {
	s := withERTS(t, "hostname=node1", fmt.Sprintf(`
[release]
args = ["-heart", "-eval", %q]
env = { HEART_BEAT_TIMEOUT = "%d" }
`, eval, timeout)+toml)
	s.links = map[string]string{"bin/sh": "/sbin/init"}
	return s
}

// dumped waits for the slogan of the crash dump that the VM was told to write.
func (m *machine) dumped() {
	m.t.Helper()
	m.line("kept: crash dump /run/beaminit/dumps/")
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/root/run/beaminit/dumps/erl_crash-*.dump", m.PID()))
	for _, path := range paths {
		if text, _ := os.ReadFile(path); strings.Contains(string(text), "Received SIGUSR1") {
			return
		}
	}
	m.t.Errorf("no dump says that the VM was told to write it: %v\n%s", paths, m.tail())
}

// A VM that is stopped is told to write its dump, and is started again.
func TestHungIsKilled(t *testing.T) {
	t.Parallel()
	m := power(t, withERTS(t, "hostname=node1 beaminit.health.probe_failures=2", ""))
	_, next := m.state(health.Up, 0)
	unix.Kill(m.vm(), unix.SIGSTOP)
	r, next := m.state(health.Hung, next)
	if r.Why != "no answer to the distribution handshake" {
		t.Errorf("hung: why=%q", r.Why)
	}
	r, next = m.state(health.Down, next)
	if r.Why != "hung: no answer to the distribution handshake" {
		t.Errorf("down: why=%q", r.Why)
	}
	m.dumped()
	m.restarted(1, next)
	m.line("the release is killed: hung: no answer to the distribution handshake")
	m.waitNoZombies()
}

// With probe_failures = 0 a VM that hangs is left alone, and told of.
func TestHungIsLeft(t *testing.T) {
	t.Parallel()
	m := power(t, withERTS(t, "hostname=node1 beaminit.health.probe_failures=0", ""))
	_, next := m.state(health.Up, 0)
	pid := m.vm()
	unix.Kill(pid, unix.SIGSTOP)
	_, next = m.state(health.Hung, next)
	for range 5 { // five records are five seconds, and two misses a second
		var r health.Record
		if r, next = m.record("any", next, func(health.Record) bool { return true }); r.State != health.Hung {
			t.Fatalf("got %+v", r)
		}
	}
	unix.Kill(pid, unix.SIGCONT)
	if r, _ := m.state(health.Up, next); r.Restarts != 0 {
		t.Errorf("restarts=%d", r.Restarts)
	}
}

// A VM none of whose schedulers runs anything answers no handshake. Whether it has a
// thread that writes a dump or not, it ends and is started again.
func TestStuckSchedulers(t *testing.T) {
	t.Parallel()
	const eval = `spawn(fun() -> timer:sleep(2000), case file:write_file("/data/once", [], [exclusive]) of ok -> ` +
		`erts_debug:set_internal_state(available_internal_state, true), erts_debug:set_internal_state(block, 600000); _ -> ok end end).`
	m := power(t, withERTS(t, "hostname=node1 beaminit.health.probe_failures=2", fmt.Sprintf(`
[release]
args = ["-eval", %q]

[[mount]]
source = "tmpfs"
target = "/data"
type = "tmpfs"
`, eval)))
	_, next := m.state(health.Up, 0)
	_, next = m.state(health.Hung, next)
	r, next := m.state(health.Down, next)
	if r.Why != "hung: no answer to the distribution handshake" {
		t.Errorf("down: why=%q", r.Why)
	}
	m.restarted(1, next)
}

// A release that is not ready within health.start_timeout is killed.
func TestStartTimeout(t *testing.T) {
	t.Parallel()
	m := power(t, withERTS(t, "hostname=node1 beaminit.health.start_timeout=2s beaminit.health.ready=notify", ""))
	r, _ := m.state(health.Down, 0)
	// A VM on a busy machine has not even been started by then.
	if r.Why != "hung: no answer within 2s of its start" && r.Why != "hung: no READY=1 within 2s of its start" {
		t.Errorf("down: why=%q", r.Why)
	}
}

// The init is the release's heart: the VM boots with -heart though there is no shell,
// beats, and goes down in order.
func TestHeart(t *testing.T) {
	t.Parallel()
	m := power(t, withHeart(t, 11, `io:format("cmd ~p~n", [heart:get_cmd()]), ok = heart:set_cmd("/sbin/reboot").`, ""))
	up, next := m.state(health.Up, 0)
	m.line(`release: cmd {ok,"program_name=beaminit\nheartbeat_timeout=11\n`)
	m.line(`release: heart: set_cmd "/sbin/reboot" is not done`)
	_, next = m.record("12 s of beats", next, func(r health.Record) bool { return r.Up > up.Up+12*time.Second })
	m.signal(unix.SIGTERM)
	m.state(health.Stopping, next)
	m.line("the release ended: exit status 0")
	if got := m.ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}

// Whatever keeps the beats away, the VM is killed with a dump and started again.
func TestHeartIsLost(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, eval, why string }{
		{"suspended", "erlang:suspend_process(whereis(heart)), timer:sleep(infinity).", "hung: no heart beat for 11s"},
		{"disable_vm", `timer:sleep(2000), heart:set_cmd("disable_vm").`, "killed because it said disable_vm"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			once := `spawn(fun() -> case file:write_file("/data/once", [], [exclusive]) of ok -> ` + strings.TrimSuffix(tt.eval, ".") + `; _ -> ok end end).`
			m := power(t, withHeart(t, 11, once, "\n[[mount]]\nsource = \"tmpfs\"\ntarget = \"/data\"\ntype = \"tmpfs\"\n"))
			_, next := m.state(health.Up, 0)
			r, next := m.state(health.Down, next)
			if r.Why != tt.why {
				t.Errorf("down: why=%q, want %q", r.Why, tt.why)
			}
			m.dumped()
			m.restarted(1, next)
			m.waitNoZombies()
		})
	}
}

// A heart that is stopped itself does not keep the VM from being killed, and a heart
// that is killed takes the VM with it.
func TestHeartItself(t *testing.T) {
	t.Parallel()
	s := withHeart(t, 11, "ok.", "")
	s.program, s.writable = faulty(t), true
	m := power(t, s)
	first, next := m.state(health.Up, 0)
	unix.Kill(m.named("heart"), unix.SIGKILL)
	r, next := m.state(health.Down, next)
	if !strings.HasPrefix(r.Why, "exit status 1: Kernel pid terminated (heart)") {
		t.Errorf("down: why=%q", r.Why)
	}
	_, next = m.restarted(1, next)

	m.fault("heart") // PID 1 falls over the next beat, and hears the one after it
	m.line("PID 1 has begun anew")
	again, next := m.state(health.Up, next)
	if again.Boot != first.Boot || again.Restarts != 1 {
		t.Errorf("again: %+v", again)
	}
	unix.Kill(m.named("heart"), unix.SIGSTOP)
	r, next = m.state(health.Down, next)
	if !strings.HasPrefix(r.Why, "hung: no heart beat for ") {
		t.Errorf("down: why=%q", r.Why)
	}
	m.restarted(2, next)
}

// The release asks for the end of its node in the words of nerves_heart, as a user who
// may not signal PID 1.
func TestHeartAsks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		word string
		ends unix.Signal
		line string
	}{
		{"guarded_reboot", unix.SIGHUP, "the release ended: exit status 0"},
		{"guarded_poweroff", unix.SIGINT, "the release ended: exit status 0"},
		{"guarded_immediate_reboot", unix.SIGHUP, "the release ended: killed by signal 9 (SIGKILL)"},
	}
	for _, tt := range tests {
		t.Run(tt.word, func(t *testing.T) {
			s := withHeart(t, 60, fmt.Sprintf("timer:sleep(1000), heart:set_cmd(%q).", tt.word), "")
			s.toml = strings.Replace(s.toml, "[release]", "[release]\nuser = \"1234\"", 1)
			m := power(t, s)
			m.line("asked for by the release (heart)")
			m.line(tt.line)
			if got := m.ended(); got != tt.ends {
				t.Errorf("the kernel ended it with %v, want %v", got, tt.ends)
			}
		})
	}
}

// named is the process of the machine with this name, wherever it is below PID 1.
func (m *machine) named(comm string) int {
	m.t.Helper()
	for _, pid := range m.below() {
		if text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(text) == comm+"\n" {
			return pid
		}
	}
	m.t.Fatalf("no %s\n%s", comm, m.tail())
	return 0
}

// below are the processes in the machine's pid namespace.
func (m *machine) below() (pids []int) {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", m.PID()))
	m.must(err)
	names, err := os.ReadDir("/proc")
	m.must(err)
	for _, e := range names {
		if ns, _ := os.Readlink("/proc/" + e.Name() + "/ns/pid"); ns == own {
			pid := 0
			fmt.Sscan(e.Name(), &pid)
			pids = append(pids, pid)
		}
	}
	return pids
}
