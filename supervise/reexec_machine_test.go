package supervise_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/supervise/control"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// build makes another beaminit, in a machine's root.
func build(m *machine.Machine, name string, env []string, flags ...string) {
	m.T.Helper()
	args := append([]string{"build", "-trimpath", "-o", filepath.Join(m.Root, name)}, append(flags, "../cmd/init")...)
	cmd := exec.Command("go", args...)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		m.T.Fatalf("build %s: %v\n%s", name, err, out)
	}
}

// Another version takes PID 1's place twenty times: the VM is the same process, its
// output goes on, and none of it counts as a fall.
func TestReexec(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "[release]\nargs = [\"-eval\", \"spawn(fun F() -> io:format(\\\"tick~n\\\"), timer:sleep(100), F() end).\"]\n")
	s.Writable = true
	m := machine.Start(t, s)
	build(m, "sbin/other", nil, "-ldflags=-s -w -X=main.version=v9.9")
	up, next := m.State(health.Up, 0)
	m.Reachable()
	vm, open := m.VM(), m.Descriptors()
	for i := 0; i < 20; i++ {
		path, was, is := "/sbin/other", "dev", "v9.9"
		if i%2 == 1 {
			path, was, is = "/sbin/init", is, was
		}
		m.Want(0, fmt.Sprintf("PID 1 was beaminit %s and is beaminit %s after ", was, is), "reexec", path)
		m.LinesWith(fmt.Sprintf("PID 1 is beaminit %s now, after %s; the release goes on (pid %d)", is, was, up.PID), i/2+1)
		var r health.Record
		r, next = m.State(health.Up, next)
		if r.PID != up.PID || r.Boot != up.Boot || r.Restarts != 0 || m.VM() != vm {
			t.Fatalf("after reexec %d: %+v, want as before: %+v", i+1, r, up)
		}
	}
	if got := m.Descriptors(); got > open {
		t.Errorf("%d descriptors, %d before", got, open)
	}
	m.LinesWith("release: tick", m.Count("release: tick")+1)
	m.WaitNoZombies()
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Restarted(1, next)
}

// What PID 1 cannot become, it does not try to.
func TestReexecOfWhatCannotBe(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "")
	s.Writable = true
	s.Files["sbin/script"], s.Files["sbin/text"] = "#!/sbin/init version\n", "beaminit dev\n"
	m := machine.Start(t, s)
	data, err := os.ReadFile(machine.Init(t))
	m.Must(err)
	m.File("sbin/cut", string(data[:len(data)/2]))
	m.File("sbin/plain", string(data))
	arch := "arm64"
	build(m, "sbin/foreign", []string{"GOARCH=" + arch})
	m.File("sbin/nothing", "")
	for _, name := range []string{"script", "cut", "foreign", "nothing"} {
		m.Must(os.Chmod(filepath.Join(m.Root, "sbin", name), 0o755))
	}

	up, _ := m.State(health.Up, 0)
	m.Reachable()
	tests := []struct{ path, says, direct string }{
		{"/sbin/none", "no such file", "no such file"},
		{"/sbin", "permission denied", "not a file that can be executed"},
		{"/sbin/text", "permission denied", "cannot be executed"},
		{"/sbin/plain", "permission denied", "cannot be executed"},
		{"/sbin/script", "", "not an ELF program"},
		{"/sbin/nothing", "exec format error", "not an ELF program"},
		{"/sbin/cut", "", "cut off: it has "},
		{"/sbin/foreign", "exec format error", "another machine (ELF machine 183, want 62)"},
		{"/srv/erlang/erts/bin/erlexec", "", ""},
	}
	for _, tt := range tests {
		if tt.path == "/srv/erlang/erts/bin/erlexec" {
			found, _ := filepath.Glob(s.Bind["srv/erlang"] + "/erts-*/bin/erlexec")
			if len(found) == 0 {
				continue
			}
			tt.path, tt.direct = strings.Replace(found[0], s.Bind["srv/erlang"], "/srv/erlang", 1), "linked dynamically"
		}
		m.Want(1, tt.says, "reexec", tt.path)
		if got := direct(m, "reexec", tt.path); !strings.Contains(got, tt.direct) || !strings.HasPrefix(got, "no ") {
			t.Errorf("PID 1 itself says of %s: %q, want %q", tt.path, got, tt.direct)
		}
	}
	r, _ := m.State(health.Up, len(m.Records()))
	if r.PID != up.PID || m.Count("PID 1 executes") != 0 {
		t.Errorf("after all that: %+v\n%s", r, m.Tail())
	}
}

// A panic in PID 1 takes the control socket along, and the next one has another; a
// panic in the goroutine that reads it, or over a command, is a fall like any other.
func TestCommandsAfterFalls(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "")
	s.Program, s.Writable = machine.Faulty(t), true
	m := machine.Start(t, s)
	up, next := m.State(health.Up, 0)
	m.Reachable()
	m.Fault("control")
	m.Want(0, "state     up\n", "status") // the first question is lost, it is asked again
	m.Line("PID 1 has begun anew")
	m.Fault("asked")
	m.Want(0, "pid       "+strconv.Itoa(up.PID)+"\n", "status")
	m.LinesWith("PID 1 has begun anew", 2)
	m.Fault("turn") // the third within a minute
	r, next := m.Record("rescue", next, func(r health.Record) bool { return r.State == health.Rescue })
	if r.PID != up.PID {
		t.Errorf("got %+v", r)
	}
	t.Run("reexec", func(t *testing.T) { // another program watches what was left alone
		m.Want(0, "and is beaminit dev", "reexec")
		if r, next = m.State(health.Up, next); r.PID != up.PID {
			t.Errorf("got %+v", r)
		}
	})
	for i := 0; i < 3; i++ {
		m.Fault("turn")
		m.LinesWith("beaminit: panic in PID 1 (please report it): fault at turn", i+2)
	}
	_, next = m.State(health.Rescue, next)
	t.Run("restart", func(t *testing.T) {
		m.Want(0, "restarted: pid ", "restart")
		if r, next = m.State(health.Up, next); r.PID == up.PID {
			t.Errorf("got %+v", r)
		}
	})
	m.WaitNoZombies()
}

// direct asks as the tool would not, from a process of the machine, by its network
// namespace and a path through /proc, and gives verdict and text.
func direct(m *machine.Machine, command, argument string) string {
	m.T.Helper()
	var text string
	m.InNetwork(func(path string) {
		text = "no answer"
		if c, err := control.Dial(path); err == nil {
			defer c.Close()
			if a, err := c.Ask(command, argument, nstest.Patience); err == nil {
				text = string(a.Verdict) + " " + a.Text
			}
		}
	})
	return text
}

// previous is the first version whose hand-over was a document.
const previous = "be0f7d6"

// The version before this one takes over from this one, and gives back: the VM is the same
// process, and a restart is counted on. What was open stays with PID 1.
func TestReexecOfVersionBefore(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	if out, err := exec.Command("sh", "-c", "git -C .. archive "+previous+" | tar x -C "+tree).CombinedOutput(); err != nil {
		t.Skipf("no history of the repository here: %v %s", err, out)
	}
	s := machine.WithERTS(t, "hostname=node1", "")
	s.Writable = true
	m := machine.Start(t, s)
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -X=main.version=before", "-o", filepath.Join(m.Root, "sbin/before"), "./cmd/init")
	build.Dir, build.Env = tree, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", previous, err, out)
	}
	up, next := m.State(health.Up, 0)
	m.Reachable()
	open := m.Descriptors()
	for i := range 4 {
		path, was, is := "/sbin/before", "dev", "before"
		if i%2 == 1 {
			path, was, is = "/sbin/init", is, was
		}
		m.Want(0, "PID 1 was beaminit "+was+" and is beaminit "+is+" after ", "reexec", path)
		var r health.Record
		if r, next = m.State(health.Up, next); r.PID != up.PID || r.Boot != up.Boot || r.Restarts != 0 {
			t.Fatalf("after reexec %d: %+v, want as before: %+v", i+1, r, up)
		}
	}
	if got := m.Descriptors(); got > open {
		t.Errorf("%d descriptors, %d before", got, open)
	}
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Restarted(1, next)
}

// What PID 1 hands to the next is no child's: neither the monitor nor the next VM has more
// than what it was given.
func TestNothingLeaksOverReexec(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "")
	s.Writable = true
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	m.Reachable()
	m.Want(0, "and is beaminit dev after ", "reexec", "/sbin/init")
	_, next = m.State(health.Up, next)
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Restarted(1, next)
	for _, pid := range []int{m.Child("beaminit-monito"), m.VM()} {
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		m.Must(err)
		for _, e := range list {
			to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
			for _, what := range []string{"memfd:handover", "/dev/ptmx", "/dev/watchdog", "/dev/kmsg"} {
				if strings.Contains(to, what) {
					t.Errorf("process %d has %s", pid, to)
				}
			}
		}
	}
}
