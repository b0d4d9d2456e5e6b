package supervise_test

import (
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// A machine that stands still for longer than its heart, its monitor and its probe may be
// silent, as one that is suspended or stopped, has lost nothing: the release, its heart and the
// monitor are the ones that they were.
func TestStandsStill(t *testing.T) {
	t.Parallel()
	s := toBeAttacked(t, "root", "[supervise]\nattempts = 3\n[release.env]\nHEART_BEAT_TIMEOUT = \"11\"\n")
	s.Cmdline += " beaminit.health.probe_failures=1"
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	vm, monitor := m.VM(), m.Child(cluster.MonitorName[:15])
	stopAll(m, unix.SIGSTOP)
	time.Sleep(13 * time.Second)
	stopAll(m, unix.SIGCONT)
	from := next
	for range 5 { // it is judged again, and again
		_, next = m.Record("another", next, func(health.Record) bool { return true })
	}
	for _, r := range m.Records()[from:] {
		if r.State != health.Up || r.Restarts != 0 {
			t.Errorf("%+v", r)
		}
	}
	m.Line("PID 1 stood still for ")
	_, text, _ := strings.Cut(strings.Join(m.Lines(), "\n"), "PID 1 stood still for ")
	if late, err := time.ParseDuration(strings.Fields(text)[0]); err != nil || late < 10*time.Second {
		t.Errorf("it stood still for 13 s, and says %.40q", text)
	}
	if m.Has("beam.smp") != vm || m.Has(cluster.MonitorName[:15]) != monitor {
		t.Errorf("another release or monitor:\n%s", m.Tail())
	}
}

// stopAll sends a signal to all that there is on the machine, PID 1 too, and first of all.
func stopAll(m *machine.Machine, sig unix.Signal) {
	m.T.Helper()
	m.Signal(sig)
	for _, pid := range m.Below() {
		unix.Kill(pid, sig)
	}
}
