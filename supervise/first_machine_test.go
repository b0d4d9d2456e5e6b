package supervise_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
)

// niceOf is how nice the threads of a process are, of each that has another nice value than the others (proc(5), stat).
func niceOf(m *machine.Machine, pid int) string {
	found := map[string]bool{}
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		if f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])); len(f) > 16 {
			found[f[16]] = true
		}
	}
	var all []string
	for nice := range found {
		all = append(all, nice)
	}
	return strings.Join(all, " ")
}

// All threads of PID 1 run before those of others, of whom a user can start any number, also in a
// PID 1 that has come by reexec; and what it starts is as others are.
func TestComesFirst(t *testing.T) {
	t.Parallel()
	m := attacked(t, "app", "")
	_, next := m.State(health.Up, 0)
	for _, again := range []bool{false, true} {
		if again {
			m.Want(0, "", "reexec")
			m.Record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up })
		}
		m.Eventually("come first", func() bool { return niceOf(m, m.PID()) == "-15" })
		for _, pid := range m.Below() {
			if nice := niceOf(m, pid); pid != m.PID() && nice != "0" && nice != "" {
				t.Errorf("process %d of it, %s, is nice by %s", pid, m.StatusOf(pid)["Name"], nice)
			}
		}
	}
}
