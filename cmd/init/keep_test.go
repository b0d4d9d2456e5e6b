package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
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

// The time is saved on the way down, also where nothing was saved before.
func TestSavesTheTime(t *testing.T) {
	begun := time.Now().Add(-time.Second)
	m := power(t, withState())
	m.state(health.Rescue, 0)
	m.signal(unix.SIGTERM)
	m.line("reboot: save the time: ")
	m.ended()
	st, err := os.Stat(filepath.Join(m.root, "store/beaminit/clock"))
	if err != nil || st.ModTime().Before(begun) {
		t.Errorf("saved %v, %v", st, err)
	}
}

// Without such a place nothing is said about it, and nothing is left in the root.
func TestSavesNothing(t *testing.T) {
	m := power(t, spec{cmdline: quick, writable: true})
	m.state(health.Rescue, 0)
	m.signal(unix.SIGTERM)
	m.ended()
	if found, _ := filepath.Glob(filepath.Join(m.root, "*/beaminit")); len(found) > 1 || len(found) == 1 && filepath.Base(filepath.Dir(found[0])) != "run" {
		t.Errorf("left: %v", found)
	}
}
