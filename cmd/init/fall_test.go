package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// fault makes PID 1 panic when it comes to the place of that name.
func (m *machine) fault(name string) {
	m.t.Helper()
	m.must(os.WriteFile(filepath.Join(m.root, "data/fault-"+name), nil, 0o600))
}

// PID 1 that panics while it boots begins anew, and comes as far as it would have.
func TestFallsWhileBooting(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"mounts", "config", "net", "release"} {
		t.Run(stage, func(t *testing.T) {
			s := withERTS(t, "hostname=node1", "")
			s.program, s.writable = faulty(t), true
			s.files["data/fault-"+stage] = ""
			m := power(t, s)
			m.line("panic while booting (please report it): fault at " + stage)
			r, _ := m.state(health.Up, 0)
			if r.Restarts != 0 || r.Node != "eclero@node1" {
				t.Errorf("up: %+v", r)
			}
			m.signal(unix.SIGTERM)
			if got := m.ended(); got != unix.SIGHUP {
				t.Errorf("the kernel ended it with %v, want a reboot", got)
			}
		})
	}
}

// PID 1 that panics while the release runs begins anew in place: the VM is the same
// process, its output goes on, and everything that follows is as ever.
func TestFallsWhileRunning(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1", "[release]\nargs = [\"-eval\", \"spawn(fun F() -> io:format(\\\"tick~n\\\"), timer:sleep(100), F() end).\"]\n")
	s.program, s.writable = faulty(t), true
	m := power(t, s)
	first, next := m.state(health.Up, 0)
	for i, place := range []string{"turn", "output"} {
		m.fault(place)
		m.line("fault at " + place)
		m.linesWith(fmt.Sprintf("PID 1 has begun anew, the release goes on (pid %d)", first.PID), i+1)
		var r health.Record
		r, next = m.state(health.Up, next)
		if r.Boot != first.Boot || r.PID != first.PID || r.Restarts != 0 || r.Seq <= first.Seq {
			t.Errorf("after %s: %+v, want as before: %+v", place, r, first)
		}
	}
	m.linesWith("release: tick", m.count("release: tick")+1) // its output still has a reader
	unix.Kill(m.vm(), unix.SIGKILL)
	r, next := m.state(health.Down, next)
	if r.Why != "killed by signal 9 (SIGKILL)" {
		t.Errorf("why=%q", r.Why)
	}
	again, next := m.restarted(1, next)

	m.fault("turn") // the third within a minute
	r, _ = m.state(health.Rescue, next)
	if r.PID != again.PID || !strings.Contains(r.Why, "fault at turn") {
		t.Errorf("rescue: %+v", r)
	}
	if vm := m.vm(); vm == 0 {
		t.Error("the VM was not left alone")
	}
	m.signal(unix.SIGTERM)
	m.line("the release ended: exit status 0")
	if got := m.ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}

// The goroutines besides the loop fall with the whole of PID 1, and rise with it.
func TestGoroutinesFall(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"reports", "console"} {
		t.Run(place, func(t *testing.T) {
			s := withERTS(t, "hostname=node1", "")
			s.program, s.writable = faulty(t), true
			m := power(t, s)
			first, next := m.state(health.Up, 0)
			m.fault(place)
			m.line("fault at " + place)
			m.line("PID 1 has begun anew")
			r, _ := m.state(health.Up, next)
			if r.PID != first.PID || r.Boot != first.Boot {
				t.Errorf("got %+v, want as before: %+v", r, first)
			}
			m.waitNoZombies()
		})
	}
}

// An epmd that runs beside the release is taken over like the release, as its user, and
// is started again when it ends after that.
func TestEpmdOutlivesFall(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1 beaminit.distribution.epmd=daemon beaminit.release.user=1234", "")
	s.program, s.writable = faulty(t), true
	m := power(t, s)
	_, next := m.state(health.Up, 0)
	first := m.child("epmd")
	var st unix.Stat_t
	m.must(unix.Stat(fmt.Sprintf("/proc/%d", first), &st))
	if st.Uid != 1234 {
		t.Errorf("epmd runs as %d, want 1234", st.Uid)
	}
	m.fault("turn")
	m.line("PID 1 has begun anew")
	m.state(health.Up, next)
	if second := m.child("epmd"); second != first {
		t.Errorf("there is another epmd, %d, not %d", second, first)
	}
	unix.Kill(first, unix.SIGKILL)
	m.line("what the release needs beside it ended (killed by signal 9 (SIGKILL))")
	m.await("another epmd", nstest.Patience, func() bool { pid := m.has("epmd"); return pid != 0 && pid != first })
	if n := m.count("beside it ended"); n != 1 {
		t.Errorf("it ended %d times\n%s", n, m.tail())
	}
}

// PID 1 that panics on the way down goes on with the way down: the release is not started
// again, and the machine ends as it was asked to.
func TestFallsWhileGoingDown(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1", "")
	s.program, s.writable = faulty(t), true
	m := power(t, s)
	up, _ := m.state(health.Up, 0)
	m.fault("down")
	m.signal(unix.SIGUSR2)
	m.line("panic while going down (please report it): fault at down")
	if got := m.ended(); got != unix.SIGINT {
		t.Errorf("the kernel ended it with %v, want power off", got)
	}
	for i, r := range m.Records() {
		if r.PID != 0 && r.PID != up.PID {
			t.Errorf("the release was started again: %+v\n%s", r, m.tail())
		}
		if i > 0 && r.Seq <= m.Records()[i-1].Seq {
			t.Errorf("seq=%d after seq=%d", r.Seq, m.Records()[i-1].Seq)
		}
	}
}
