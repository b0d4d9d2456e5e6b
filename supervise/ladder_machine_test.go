package supervise_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"golang.org/x/sys/unix"
)

// A release that ends on purpose is let alone, and the node stays as it is.
func TestExitOK(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithDisk(t, "beaminit.supervise.exit_ok=3,7", `erlang:halt(7).`))
	r, next := m.State(health.Down, 0)
	if r.Why != "ended on purpose: exit status 7" || r.Next != 0 || r.Restarts != 0 {
		t.Errorf("down: %+v", r)
	}
	m.Line("the release ended on purpose: exit status 7; it is not started again (supervise.exit_ok)")
	r, _ = m.State(health.Down, next) // the next record, an interval later
	if r.PID != 0 || r.Restarts != 0 || r.Next != 0 {
		t.Errorf("later: %+v", r)
	}
	if got := m.Left(machine.Kept + "*"); len(got) != 0 {
		t.Errorf("of an end on purpose this was kept: %q", got)
	}
	m.Signal(unix.SIGUSR2)
	if got := m.Ended(); got != unix.SIGINT {
		t.Errorf("the kernel ended it with %v, want a power off", got)
	}
}

// withFallback is a machine whose fallback_exec runs a script, with the programs of the
// machine that tests.
func withFallback(t *testing.T, cmdline, expr, script string) machine.Spec {
	s := machine.WithDisk(t, "beaminit.supervise.attempts=1 beaminit.supervise.backoff=1ms,1ms "+cmdline, expr)
	s.TOML += fmt.Sprintf("[supervise]\nfallback_exec = [\"/usr/bin/sh\", \"-c\", %q]\n", script)
	s.Bind["usr/bin"] = "/usr/bin"
	return s
}

// The fallback command comes before rescue: where it succeeds the node reboots, else it
// stays and says why.
func TestFallback(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script string
		why          string // of rescue; empty: it reboots
		lines        []string
	}{
		{"succeeds", "echo other slot; printf 'and so on' >&2; echo b > /data/slot", "", []string{
			"fallback_exec: other slot", "fallback_exec: and so on", "supervise.fallback_exec ended: exit status 0"}},
		{"fails", "echo no other slot; exit 4", "gave up after 2 ends within 1m0s: exit status 3; fallback_exec: exit status 4", []string{
			"fallback_exec: no other slot", "; the release is not started any more, the node stays as it is"}},
		{"dies", "kill -9 $$", "gave up after 2 ends within 1m0s: exit status 3; fallback_exec: killed by signal 9 (SIGKILL)", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := machine.Start(t, withFallback(t, "beaminit.supervise.give_up=rescue", "halt(3).", tt.script))
			m.Line("gave up after 2 ends within 1m0s: exit status 3; running supervise.fallback_exec")
			for _, line := range tt.lines {
				m.Line(line)
			}
			if tt.why == "" {
				m.State(health.Stopping, 0)
				if got := m.Ended(); got != unix.SIGHUP {
					t.Errorf("the kernel ended it with %v, want a reboot", got)
				}
				if got := m.Left("store/slot"); len(got) != 1 || got[0] != "b\n" {
					t.Errorf("slot: %q", got)
				}
				recalls(m, history.Fallback, history.Down)
				return
			}
			r, _ := m.Record("rescue for good", 0, func(r health.Record) bool { return strings.Contains(r.Why, "fallback_exec") })
			if r.State != health.Rescue || r.Why != tt.why {
				t.Errorf("got %+v", r)
			}
			m.Signal(unix.SIGTERM)
			m.Ended()
			recalls(m, history.Fallback, history.Rescue, history.Down)
		})
	}
}

// PID 1 that falls while the fallback command runs still hears how that ends.
func TestFallsDuringFallback(t *testing.T) {
	t.Parallel()
	s := withFallback(t, "beaminit.supervise.give_up=rescue", "halt(3).", "while [ ! -e /data/go ]; do sleep 0.01; done; exit 5")
	s.Program = machine.Faulty(t)
	m := machine.Start(t, s)
	m.Line("running supervise.fallback_exec")
	m.Must(os.WriteFile(filepath.Join(m.Root, "store/fault-turn"), nil, 0o600))
	m.Eventually("run it", func() bool { return m.Has("sh") != 0 })
	m.Signal(unix.SIGCHLD)
	m.Line("PID 1 has begun anew")
	m.Must(os.WriteFile(filepath.Join(m.Root, "store/go"), nil, 0o600))
	m.Record("rescue for good", 0, func(r health.Record) bool {
		return r.State == health.Rescue && strings.HasSuffix(r.Why, "; fallback_exec: exit status 5")
	})
}

// recalls looks for kinds of entries on the disk, in that order, at the end.
func recalls(m *machine.Machine, kinds ...history.Kind) {
	m.T.Helper()
	entries, _, err := history.Read(filepath.Join(m.Root, "store/beaminit"))
	if err != nil || len(entries) < len(kinds) {
		m.T.Fatalf("%d entries, %v", len(entries), err)
	}
	for i, e := range entries[len(entries)-len(kinds):] {
		if e.Kind != kinds[i] {
			m.T.Errorf("entry %d of the last %d is %+v, want %s", i, len(kinds), e, kinds[i])
		}
	}
}

// past writes a history of n boots that did not come up.
func past(s *machine.Spec, n int, more ...history.Entry) {
	var text []byte
	for i := 1; i <= n; i++ {
		text = append(history.Entry{Kind: history.Boot, Boot: uint32(i), Why: "beaminit"}.Append(text), '\n')
		text = append(history.Entry{Kind: history.End, Boot: uint32(i), Why: "exit status 1"}.Append(text), '\n')
	}
	for _, e := range more {
		text = append(e.Append(text), '\n')
	}
	s.Files["store/beaminit/history"] = string(text)
}

// A node that has tried for long enough stays; the next time it tries again.
func TestBootsInARow(t *testing.T) {
	t.Parallel()
	t.Run("the last one is not lost in a reboot", func(t *testing.T) {
		s := machine.WithDisk(t, "beaminit.supervise.boots=3 beaminit.supervise.attempts=1 beaminit.supervise.backoff=1ms,1ms", "halt(3).")
		past(&s, 2)
		m := machine.Start(t, s)
		r, _ := m.State(health.Rescue, 0)
		if want := "3 boots in a row did not come up: gave up after 2 ends within 1m0s: exit status 3"; r.Why != want || r.Restarts != 1 {
			t.Errorf("why=%q, want %q", r.Why, want)
		}
	})
	t.Run("those without a word count too", func(t *testing.T) {
		s := machine.WithDisk(t, "beaminit.supervise.boots=3", "ok.")
		past(&s, 3)
		m := machine.Start(t, s)
		r, _ := m.State(health.Rescue, 0)
		if want := "3 boots in a row did not come up (supervise.boots): this one does not try, the next one does"; r.Why != want || r.PID != 0 {
			t.Errorf("got %+v, want %q", r, want)
		}
		m.Signal(unix.SIGTERM)
		m.Ended()
		recalls(m, history.Rescue, history.Down)
	})
	t.Run("the next one does", func(t *testing.T) {
		s := machine.WithDisk(t, "beaminit.supervise.boots=3", "ok.")
		past(&s, 3, history.Entry{Kind: history.Boot, Boot: 9}, history.Entry{Kind: history.Rescue, Boot: 9})
		m := machine.Start(t, s)
		m.State(health.Up, 0)
		m.Signal(unix.SIGTERM)
		m.Ended()
		recalls(m, history.Up, history.End, history.Down)
	})
	t.Run("the fallback command is run once", func(t *testing.T) {
		s := withFallback(t, "beaminit.supervise.boots=3", "halt(3).", "echo chosen; exit 0")
		past(&s, 3)
		m := machine.Start(t, s)
		m.Line("fallback_exec: chosen")
		if got := m.Ended(); got != unix.SIGHUP {
			t.Errorf("the kernel ended it with %v, want a reboot", got)
		}
		recalls(m, history.Boot, history.Fallback, history.Down)
		s = withFallback(t, "beaminit.supervise.boots=3", "halt(3).", "echo chosen; exit 0")
		past(&s, 2)
		s.Files["store/beaminit/history"] = string(history.Entry{Kind: history.Fallback, Boot: 77}.Append(nil)) + "\n" + s.Files["store/beaminit/history"]
		m = machine.Start(t, s)
		r, _ := m.State(health.Rescue, 0)
		if want := "3 boots in a row did not come up: gave up after 2 ends within 1m0s: exit status 3"; r.Why != want || m.Count("chosen") > 0 {
			t.Errorf("why=%q, want %q\n%s", r.Why, want, m.Tail())
		}
	})
}
