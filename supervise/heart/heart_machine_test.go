package heart_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// withHeart is a spec of a machine whose release has -heart, and whose only shell is
// the init itself. eval is evaluated by the release.
func withHeart(t *testing.T, timeout int, eval, toml string) machine.Spec {
	s := machine.WithERTS(t, "hostname=node1", fmt.Sprintf(`
[release]
args = ["-heart", "-eval", %q]
env = { HEART_BEAT_TIMEOUT = "%d" }
`, eval, timeout)+toml)
	s.Links = map[string]string{"bin/sh": "/sbin/init"}
	return s
}

// dumped waits for the slogan of the crash dump that the VM was told to write.
func dumped(m *machine.Machine) {
	m.T.Helper()
	m.Line("kept: crash dump /run/beaminit/dumps/")
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/root/run/beaminit/dumps/erl_crash-*.dump", m.PID()))
	for _, path := range paths {
		if text, _ := os.ReadFile(path); strings.Contains(string(text), "Received SIGUSR1") {
			return
		}
	}
	m.T.Errorf("no dump says that the VM was told to write it: %v\n%s", paths, m.Tail())
}

// A VM that is stopped is told to write its dump, and is started again.
func TestHungIsKilled(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1 beaminit.health.probe_failures=2", ""))
	_, next := m.State(health.Up, 0)
	unix.Kill(m.VM(), unix.SIGSTOP)
	r, next := m.State(health.Hung, next)
	if r.Why != "no answer to the distribution handshake" {
		t.Errorf("hung: why=%q", r.Why)
	}
	r, next = m.State(health.Down, next)
	if r.Why != "hung: no answer to the distribution handshake" {
		t.Errorf("down: why=%q", r.Why)
	}
	dumped(m)
	m.Restarted(1, next)
	m.Line("the release is killed: hung: no answer to the distribution handshake")
	m.WaitNoZombies()
}

// With probe_failures = 0 a VM that hangs is left alone, and told of.
func TestHungIsLeft(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1 beaminit.health.probe_failures=0", ""))
	_, next := m.State(health.Up, 0)
	pid := m.VM()
	unix.Kill(pid, unix.SIGSTOP)
	_, next = m.State(health.Hung, next)
	for range 5 { // five records are five seconds, and two misses a second
		var r health.Record
		if r, next = m.Record("any", next, func(health.Record) bool { return true }); r.State != health.Hung {
			t.Fatalf("got %+v", r)
		}
	}
	unix.Kill(pid, unix.SIGCONT)
	if r, _ := m.State(health.Up, next); r.Restarts != 0 {
		t.Errorf("restarts=%d", r.Restarts)
	}
}

// A VM none of whose schedulers runs anything answers no handshake. Whether it has a
// thread that writes a dump or not, it ends and is started again.
func TestStuckSchedulers(t *testing.T) {
	t.Parallel()
	const eval = `spawn(fun() -> timer:sleep(2000), case file:write_file("/data/once", [], [exclusive]) of ok -> ` +
		`erts_debug:set_internal_state(available_internal_state, true), erts_debug:set_internal_state(block, 600000); _ -> ok end end).`
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1 beaminit.health.probe_failures=2", fmt.Sprintf(`
[release]
args = ["-eval", %q]

[[mount]]
source = "tmpfs"
target = "/data"
type = "tmpfs"
`, eval)))
	_, next := m.State(health.Up, 0)
	_, next = m.State(health.Hung, next)
	r, next := m.State(health.Down, next)
	if r.Why != "hung: no answer to the distribution handshake" {
		t.Errorf("down: why=%q", r.Why)
	}
	m.Restarted(1, next)
}

// A release that is not ready within health.start_timeout is killed.
func TestStartTimeout(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1 beaminit.health.start_timeout=2s beaminit.health.ready=notify", ""))
	r, _ := m.State(health.Down, 0)
	// A VM on a busy machine has not even been started by then.
	if r.Why != "hung: no answer within 2s of its start" && r.Why != "hung: no READY=1 within 2s of its start" {
		t.Errorf("down: why=%q", r.Why)
	}
}

// The init is the release's heart: the VM boots with -heart though there is no shell,
// beats, and goes down in order.
func TestHeart(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withHeart(t, 11, `io:format("cmd ~p~n", [heart:get_cmd()]), ok = heart:set_cmd("/sbin/reboot").`, ""))
	up, next := m.State(health.Up, 0)
	m.Line(`release: cmd {ok,"program_name=beaminit\nprogram_version=2.5.0\nheartbeat_timeout=11\n`)
	m.Line(`release: heart: set_cmd "/sbin/reboot" is not done`)
	_, next = m.Record("12 s of beats", next, func(r health.Record) bool { return r.Up > up.Up+12*time.Second })
	m.Signal(unix.SIGTERM)
	m.State(health.Stopping, next)
	m.Line("the release ended: exit status 0")
	if got := m.Ended(); got != unix.SIGHUP {
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
			m := machine.Start(t, withHeart(t, 11, once, "\n[[mount]]\nsource = \"tmpfs\"\ntarget = \"/data\"\ntype = \"tmpfs\"\n"))
			_, next := m.State(health.Up, 0)
			r, next := m.State(health.Down, next)
			if r.Why != tt.why {
				t.Errorf("down: why=%q, want %q", r.Why, tt.why)
			}
			dumped(m)
			m.Restarted(1, next)
			m.WaitNoZombies()
		})
	}
}

// A heart that is stopped itself does not keep the VM from being killed, and a heart
// that is killed takes the VM with it.
func TestHeartItself(t *testing.T) {
	t.Parallel()
	s := withHeart(t, 11, "ok.", "")
	s.Program, s.Writable = machine.Faulty(t), true
	m := machine.Start(t, s)
	first, next := m.State(health.Up, 0)
	unix.Kill(named(m, "heart"), unix.SIGKILL)
	r, next := m.State(health.Down, next)
	if !strings.HasPrefix(r.Why, "exit status 1: Kernel pid terminated (heart)") {
		t.Errorf("down: why=%q", r.Why)
	}
	_, next = m.Restarted(1, next)

	beats(m)
	m.Fault("heart") // PID 1 falls over the next beat, and hears the one after it
	m.Line("PID 1 has begun anew")
	again, next := m.State(health.Up, next)
	if again.Boot != first.Boot || again.Restarts != 1 {
		t.Errorf("again: %+v", again)
	}
	unix.Kill(named(m, "heart"), unix.SIGSTOP)
	r, next = m.State(health.Down, next)
	if !strings.HasPrefix(r.Why, "hung: no heart beat for ") {
		t.Errorf("down: why=%q", r.Why)
	}
	m.Restarted(2, next)
}

// The release asks for the end of its node in the words of nerves_heart, as a user who
// may not signal PID 1.
func TestHeartAsks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		word  string
		ends  unix.Signal
		asked string
		line  string
	}{
		{"guarded_reboot", unix.SIGHUP, "reboot asked for by the release (heart)", "the release ended: exit status 0"},
		{"guarded_poweroff", unix.SIGINT, "poweroff asked for by the release (heart)", "the release ended: exit status 0"},
		{"guarded_immediate_reboot", unix.SIGHUP, "reboot at once asked for by the release (heart): nothing is written or unmounted any more", ""},
		{"guarded_immediate_poweroff", unix.SIGINT, "poweroff at once asked for by the release (heart): nothing is written or unmounted any more", ""},
	}
	for _, tt := range tests {
		t.Run(tt.word, func(t *testing.T) {
			s := withHeart(t, 60, fmt.Sprintf("timer:sleep(1000), heart:set_cmd(%q).", tt.word), "")
			s.TOML = strings.Replace(s.TOML, "[release]", "[release]\nuser = \"1234\"", 1)
			m := machine.Start(t, s)
			m.Line(tt.asked)
			if tt.line != "" {
				m.Line(tt.line)
			}
			if got := m.Ended(); got != tt.ends {
				t.Errorf("the kernel ended it with %v, want %v", got, tt.ends)
			}
			if n := m.Count("unmount everything"); (n == 0) != (tt.line == "") {
				t.Errorf("%d lines of the way down\n%s", n, m.Tail())
			}
		})
	}
}

// An image with a shell, and a release whose ERTS has a heart of its own (Nerves): the init
// is the heart all the same, the release can do with it what nerves_runtime does at its
// start, and the shell has the PATH that the release has.
func TestHeartBesideShell(t *testing.T) {
	t.Parallel()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("no busybox: busybox-static is not installed")
	}
	s := withHeart(t, 60, `ok = heart:set_callback(timer, start), {ok, Text} = heart:get_cmd(), io:put_chars(Text), io:put_chars(os:cmd("echo heart: $(command -v heart)")), `+
		`ok = heart:clear_callback(), ok = heart:set_cmd("init_handshake"), ok = heart:set_cmd("guarded_reboot").`, "")
	s.TOML = strings.Replace(s.TOML, "[release]", "[release]\nuser = \"1234\"", 1)
	s.Programs, s.Links = map[string]string{"bin/busybox": busybox}, map[string]string{"bin/sh": "busybox"}
	m := machine.Start(t, s)
	m.Line("release.args: -heart: beaminit is the heart, by /run/beaminit/bin in front of the PATH")
	m.Line("release: program_version=2.")
	m.Line("release: heart: /run/beaminit/bin/heart")
	m.Line("release: heart: init_handshake came")
	m.Line("reboot asked for by the release (heart)")
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}

// beats waits until PID 1 has heard a beat: before its heart reads a second one from the VM
// (proc(5), io), it has sent the first, and some seconds have passed.
func beats(m *machine.Machine) {
	m.T.Helper()
	file := fmt.Sprintf("/proc/%d/io", named(m, "heart"))
	for range 2 {
		before, _ := os.ReadFile(file)
		read, _, _ := strings.Cut(string(before), "\n") // rchar
		m.Eventually("a beat of the heart", func() bool {
			now, err := os.ReadFile(file)
			return err == nil && !strings.HasPrefix(string(now), read+"\n")
		})
	}
}

// named is the process of the machine with this name, wherever it is below PID 1.
func named(m *machine.Machine, comm string) int {
	m.T.Helper()
	for _, pid := range m.Below() {
		if text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(text) == comm+"\n" {
			return pid
		}
	}
	m.T.Fatalf("no %s\n%s", comm, m.Tail())
	return 0
}
