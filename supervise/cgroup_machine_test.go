package supervise_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"golang.org/x/sys/unix"
)

// What a release or a service leaves behind in its cgroup is killed before the next start, and
// told. What the kernel does not give is a line, and the child is started anyway.
func TestCgroup(t *testing.T) {
	t.Parallel()
	s := withServices(t, "[release]\ncgroup = [\"memory.max=900M\"]\n"+
		serviceOf("parent", "setsid sleep 1001 & exec sleep 1002", "cgroup = [\"pids.max=100\", \"cpu.weight=50\"]")+
		serviceOf("free", "exec sleep 1003", ""))
	s.Cgroup = true
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	parent := running(m, "sleep 1002")
	for pid, want := range map[int]string{m.VM(): "/release", parent: "/service.parent", running(m, "sleep 1003"): ""} {
		if got := cgroupOf(m, pid); got != want {
			t.Errorf("process %d is in %q, want %q", pid, got, want)
		}
	}
	m.Line("cgroup of the release: memory.max=900M is not set: ")
	m.Line("cgroup of service parent: pids.max=100 is not set: ")

	old := running(m, "sleep 1001")
	unix.Kill(parent, unix.SIGKILL)
	m.Line("service parent left behind in its cgroup, killed: 1 process: \"sleep\" (pid ")
	m.Eventually("end what was left", func() bool { return unix.Kill(old, 0) != nil })
	running(m, "sleep 1002")

	m.Want(0, "", "reexec") // PID 1 executes itself anew, and knows of them
	m.Want(0, "[]\n", "rpc", "os", "cmd", `["setsid sleep 1004 >/dev/null 2>&1 &"]`)
	old = running(m, "sleep 1004")
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Line("the release left behind in its cgroup, killed: 1 process: \"sleep\" (pid ")
	m.Record("the next run is up", 0, func(r health.Record) bool { return r.State == health.Up && r.Restarts == 1 })
	if unix.Kill(old, 0) == nil {
		t.Error("what the release left behind is there at its next run")
	}
	if got := cgroupOf(m, m.VM()); got != "/release" {
		t.Errorf("the next release is in %q", got)
	}
	if n := m.Count("pids.max=100 is not set"); n != 1 {
		t.Errorf("it is said %d times that a limit is not set", n)
	}
}

// running waits until a command runs, and gives its process.
func running(m *machine.Machine, command string) (pid int) {
	m.T.Helper()
	m.Eventually("run "+command, func() bool {
		for _, pid = range m.Below() {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if strings.Trim(strings.ReplaceAll(string(text), "\x00", " "), " ") == command {
				return true
			}
		}
		return false
	})
	return pid
}

// cgroupOf is the cgroup2 of a process below that of its machine.
func cgroupOf(m *machine.Machine, pid int) string {
	for _, l := range strings.Split(m.Proc(pid, "cgroup"), "\n") {
		if group, ok := strings.CutPrefix(l, "0::/beaminit-test-"); ok {
			_, below, _ := strings.Cut(group, "/")
			return strings.TrimSuffix("/"+below, "/")
		}
	}
	return "?"
}
