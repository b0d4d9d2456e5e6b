package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

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
func (m *machine) threads() int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", m.PID()))
	return len(list)
}

// PID 1 has all the threads that it needs before the release is started: where no other
// can be made, it answers, is signalled, reaps, and starts the release as soon as it may.
func TestNoMoreThreads(t *testing.T) {
	t.Parallel()
	group := threadsGroup(t)
	m := power(t, withERTS(t, "hostname=node1 beaminit.supervise.backoff=100ms,100ms beaminit.supervise.attempts=1000", ""))
	up, next := m.state(health.Up, 0)
	m.reachable()
	write(t, filepath.Join(group, "cgroup.procs"), strconv.Itoa(m.PID()))
	before := m.threads()
	write(t, filepath.Join(group, "pids.max"), strconv.Itoa(before))
	for range 100 {
		m.direct("status", "")
	}
	for range 200 {
		m.signal(unix.SIGHUP)
	}
	unix.Kill(m.vm(), unix.SIGKILL)
	m.line("cannot start the release: ")
	m.direct("status", "")
	if now := m.threads(); now > before {
		t.Errorf("%d threads, %d before", now, before)
	}
	write(t, filepath.Join(group, "pids.max"), "max")
	r, _ := m.record("up again", next, func(r health.Record) bool { return r.State == health.Up && r.PID != up.PID })
	t.Logf("%d threads; %d restarts", before, r.Restarts)
	m.signal(unix.SIGTERM)
	if got := m.ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}
