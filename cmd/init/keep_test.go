package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// withState is a machine with a place for what outlives a reboot; it is m.root/store
// here. A container sets no clock and credits no entropy, so that nothing of the
// machine that tests is touched.
func withState() spec {
	return spec{
		cmdline: quick, toml: "[[mount]]\nsource = \"/store\"\ntarget = \"/data\"\noptions = [\"bind\"]\n",
		dirs: []string{"store"}, writable: true,
	}
}

// A boot takes the seed of the one before, leaves another at once and one more on the way
// down, where it saves the time too.
func TestKeeps(t *testing.T) {
	t.Parallel()
	begun := time.Now().Add(-time.Second)
	s := withState()
	old := strings.Repeat("s", 32)
	m := power(t, s)
	m.state(health.Rescue, 0)
	seed := filepath.Join(m.root, "store/beaminit/seed")
	first := m.awaitFile(seed, "")
	m.signal(unix.SIGTERM)
	m.line("reboot: save seed and time: ")
	m.ended()
	last := m.awaitFile(seed, first)
	st, err := os.Stat(filepath.Join(m.root, "store/beaminit/clock"))
	if err != nil || st.ModTime().Before(begun) {
		t.Errorf("saved %v, %v", st, err)
	}
	if len(first) != 32 || len(last) != 32 {
		t.Errorf("seeds %x and %x", first, last)
	}

	s.files = map[string]string{"store/beaminit/seed": old}
	m = power(t, s)
	seed = filepath.Join(m.root, "store/beaminit/seed")
	m.must(os.Chmod(seed, 0o600))
	if next := m.awaitFile(seed, old); len(next) != 32 {
		t.Errorf("the seed after %q is %x", old, next)
	}
	if n := m.count("seed"); n > 0 {
		t.Errorf("something was said of the seed:\n%s", m.tail())
	}
}

// awaitFile waits until a file has another content than was, and gives it.
func (m *machine) awaitFile(path, was string) string {
	m.t.Helper()
	for deadline := time.Now().Add(nstest.Patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil && string(text) != was {
			return string(text)
		}
	}
	m.t.Fatalf("%s stays as it is\n%s", path, m.tail())
	return ""
}

// Without such a place nothing is said about it, and nothing is left in the root.
func TestSavesNothing(t *testing.T) {
	t.Parallel()
	m := power(t, spec{cmdline: quick, writable: true})
	m.state(health.Rescue, 0)
	m.signal(unix.SIGTERM)
	m.ended()
	if found, _ := filepath.Glob(filepath.Join(m.root, "*/beaminit")); len(found) > 1 || len(found) == 1 && filepath.Base(filepath.Dir(found[0])) != "run" {
		t.Errorf("left: %v", found)
	}
}
