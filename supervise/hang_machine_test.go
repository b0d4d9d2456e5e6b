package supervise_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// threadsGroup is a cgroup of its own with the pids controller, of either version.
func threadsGroup(t *testing.T) string {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		dir := filepath.Join(root, "beaminit-test-"+strconv.Itoa(os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() {
			for range 100 { // what was in it is ending
				if os.Remove(dir) == nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		if _, err := os.Stat(filepath.Join(dir, "pids.max")); err == nil {
			return dir
		}
		os.Remove(dir)
	}
	t.Skip("no cgroup with the pids controller can be made here")
	return ""
}

// threads is how many PID 1 has.
func threads(m *machine.Machine) int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", m.PID()))
	return len(list)
}

// PID 1 has all the threads that it needs before the release is started: where no other
// can be made, it answers, is signalled, reaps, and starts the release as soon as it may.
func TestNoMoreThreads(t *testing.T) {
	t.Parallel()
	group := threadsGroup(t)
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1 beaminit.supervise.backoff=100ms,100ms beaminit.supervise.attempts=1000", ""))
	up, next := m.State(health.Up, 0)
	m.Reachable()
	machine.WriteFile(t, filepath.Join(group, "cgroup.procs"), strconv.Itoa(m.PID()))
	before := threads(m)
	machine.WriteFile(t, filepath.Join(group, "pids.max"), strconv.Itoa(before))
	for range 100 {
		direct(m, "status", "")
	}
	for range 200 {
		m.Signal(unix.SIGHUP)
	}
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Line("cannot start the release: ")
	direct(m, "status", "")
	if now := threads(m); now > before {
		t.Errorf("%d threads, %d before", now, before)
	}
	machine.WriteFile(t, filepath.Join(group, "pids.max"), "max")
	r, _ := m.Record("up again", next, func(r health.Record) bool { return r.State == health.Up && r.PID != up.PID })
	t.Logf("%d threads; %d restarts", before, r.Restarts)
	m.Signal(unix.SIGTERM)
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}
