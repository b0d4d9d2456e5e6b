package node_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// PID 1 that panics while it boots begins anew, and comes as far as it would have.
func TestFallsWhileBooting(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"mounts", "config", "net", "release"} {
		t.Run(stage, func(t *testing.T) {
			s := machine.WithERTS(t, "hostname=node1", "")
			s.Program, s.Writable = machine.Faulty(t), true
			s.Files["data/fault-"+stage] = ""
			m := machine.Start(t, s)
			m.Line("panic while booting (please report it): fault at " + stage)
			r, _ := m.State(health.Up, 0)
			if r.Restarts != 0 || r.Node != "eclero@node1" {
				t.Errorf("up: %+v", r)
			}
			m.Signal(unix.SIGTERM)
			if got := m.Ended(); got != unix.SIGHUP {
				t.Errorf("the kernel ended it with %v, want a reboot", got)
			}
		})
	}
}

// PID 1 that panics while the release runs begins anew in place: the VM is the same
// process, its output goes on, and everything that follows is as ever.
func TestFallsWhileRunning(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "[release]\nargs = [\"-eval\", \"spawn(fun F() -> io:format(\\\"tick~n\\\"), timer:sleep(100), F() end).\"]\n")
	s.Program, s.Writable = machine.Faulty(t), true
	m := machine.Start(t, s)
	first, next := m.State(health.Up, 0)
	for i, place := range []string{"turn", "output"} {
		m.Fault(place)
		m.Line("fault at " + place)
		m.LinesWith(fmt.Sprintf("PID 1 has begun anew, the release goes on (pid %d)", first.PID), i+1)
		var r health.Record
		r, next = m.State(health.Up, next)
		if r.Boot != first.Boot || r.PID != first.PID || r.Restarts != 0 || r.Seq <= first.Seq {
			t.Errorf("after %s: %+v, want as before: %+v", place, r, first)
		}
	}
	m.LinesWith("release: tick", m.Count("release: tick")+1) // its output still has a reader
	unix.Kill(m.VM(), unix.SIGKILL)
	r, next := m.State(health.Down, next)
	if r.Why != "killed by signal 9 (SIGKILL)" {
		t.Errorf("why=%q", r.Why)
	}
	again, next := m.Restarted(1, next)

	m.Fault("turn") // the third within a minute
	r, _ = m.State(health.Rescue, next)
	if r.PID != again.PID || !strings.Contains(r.Why, "fault at turn") {
		t.Errorf("rescue: %+v", r)
	}
	if vm := m.VM(); vm == 0 {
		t.Error("the VM was not left alone")
	}
	m.Signal(unix.SIGTERM)
	m.Line("the release ended: exit status 0")
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}

// The goroutines besides the loop fall with the whole of PID 1, and rise with it.
func TestGoroutinesFall(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"reports", "console"} {
		t.Run(place, func(t *testing.T) {
			s := machine.WithERTS(t, "hostname=node1", "")
			s.Program, s.Writable = machine.Faulty(t), true
			m := machine.Start(t, s)
			first, next := m.State(health.Up, 0)
			m.Fault(place)
			m.Line("fault at " + place)
			m.Line("PID 1 has begun anew")
			r, _ := m.State(health.Up, next)
			if r.PID != first.PID || r.Boot != first.Boot {
				t.Errorf("got %+v, want as before: %+v", r, first)
			}
			m.WaitNoZombies()
		})
	}
}

// An epmd that runs beside the release is taken over like the release, as its user, and
// is started again when it ends after that.
func TestEpmdOutlivesFall(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1 beaminit.distribution.epmd=daemon beaminit.release.user=1234", "")
	s.Program, s.Writable = machine.Faulty(t), true
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	first := m.Child("epmd")
	var st unix.Stat_t
	m.Must(unix.Stat(fmt.Sprintf("/proc/%d", first), &st))
	if st.Uid != 1234 {
		t.Errorf("epmd runs as %d, want 1234", st.Uid)
	}
	m.Fault("turn")
	m.Line("PID 1 has begun anew")
	m.State(health.Up, next)
	if second := m.Child("epmd"); second != first {
		t.Errorf("there is another epmd, %d, not %d", second, first)
	}
	unix.Kill(first, unix.SIGKILL)
	m.Line("what the release needs beside it ended (killed by signal 9 (SIGKILL))")
	m.Await("another epmd", nstest.Patience, func() bool { pid := m.Has("epmd"); return pid != 0 && pid != first })
	if n := m.Count("beside it ended"); n != 1 {
		t.Errorf("it ended %d times\n%s", n, m.Tail())
	}
}

// PID 1 that panics on the way down goes on with the way down: the release is not started
// again, and the machine ends as it was asked to.
func TestFallsWhileGoingDown(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "")
	s.Program, s.Writable = machine.Faulty(t), true
	m := machine.Start(t, s)
	up, _ := m.State(health.Up, 0)
	m.Fault("down")
	m.Signal(unix.SIGUSR2)
	m.Line("panic while going down (please report it): fault at down")
	if got := m.Ended(); got != unix.SIGINT {
		t.Errorf("the kernel ended it with %v, want power off", got)
	}
	for i, r := range m.Records() {
		if r.PID != 0 && r.PID != up.PID {
			t.Errorf("the release was started again: %+v\n%s", r, m.Tail())
		}
		if i > 0 && r.Seq <= m.Records()[i-1].Seq {
			t.Errorf("seq=%d after seq=%d", r.Seq, m.Records()[i-1].Seq)
		}
	}
}
