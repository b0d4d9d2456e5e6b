package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// A boot takes the seed of the one before, leaves another at once and one more on the way
// down, where it saves the time too.
func TestKeeps(t *testing.T) {
	t.Parallel()
	begun := time.Now().Add(-time.Second)
	s := machine.WithState()
	old := strings.Repeat("s", 32)
	m := machine.Start(t, s)
	m.State(health.Rescue, 0)
	seed := filepath.Join(m.Root, "store/beaminit/seed")
	first := m.AwaitFile(seed, "")
	m.Signal(unix.SIGTERM)
	m.Line("reboot: save seed and time: ")
	m.Ended()
	last := m.AwaitFile(seed, first)
	st, err := os.Stat(filepath.Join(m.Root, "store/beaminit/clock"))
	if err != nil || st.ModTime().Before(begun) {
		t.Errorf("saved %v, %v", st, err)
	}
	if len(first) != 32 || len(last) != 32 {
		t.Errorf("seeds %x and %x", first, last)
	}

	s.Files = map[string]string{"store/beaminit/seed": old}
	m = machine.Start(t, s)
	seed = filepath.Join(m.Root, "store/beaminit/seed")
	m.Must(os.Chmod(seed, 0o600))
	if next := m.AwaitFile(seed, old); len(next) != 32 {
		t.Errorf("the seed after %q is %x", old, next)
	}
	if n := m.Count("seed"); n > 0 {
		t.Errorf("something was said of the seed:\n%s", m.Tail())
	}
}

// Without such a place nothing is said about it, and nothing is left in the root.
func TestSavesNothing(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork, Writable: true})
	m.State(health.Rescue, 0)
	m.Signal(unix.SIGTERM)
	m.Ended()
	if found, _ := filepath.Glob(filepath.Join(m.Root, "*/beaminit")); len(found) > 1 || len(found) == 1 && filepath.Base(filepath.Dir(found[0])) != "run" {
		t.Errorf("left: %v", found)
	}
}
