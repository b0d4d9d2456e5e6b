package supervise_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// harmless are the signals whose default action does not end a process, and the two
// that have no other (signal(7)).
const harmless = uint64(1<<(unix.SIGKILL-1) | 1<<(unix.SIGSTOP-1) | 1<<(unix.SIGCHLD-1) | 1<<(unix.SIGCONT-1) | 1<<(unix.SIGURG-1) |
	1<<(unix.SIGWINCH-1) | 1<<(unix.SIGTSTP-1) | 1<<(unix.SIGTTIN-1) | 1<<(unix.SIGTTOU-1))

// A signal with the default action ends even PID 1 if it comes while the first of several
// threads blocks it, which is so around each fork. So none may have it, from the start
// on; and no child may inherit that a signal is ignored or blocked.
func TestNoSignalEndsIt(t *testing.T) {
	t.Parallel()
	t.Run("from a kernel", func(t *testing.T) { testNoSignalEndsIt(t, false) })
	t.Run("from another PID 1", func(t *testing.T) { testNoSignalEndsIt(t, true) })
}

func testNoSignalEndsIt(t *testing.T, blocked bool) {
	opt := t.TempDir()
	script := filepath.Join(opt, "id")
	machine.WriteFile(t, script, "#!/bin/sh\ncat /proc/1/status >/run/booting; exec grep Sig /proc/self/status >/run/child\n")
	m := machine.Start(t, machine.Spec{
		Blocked: blocked,
		TOML:    "[node]\nhostname = \"n-%s\"\nid = \"/opt/id\"\n",
		Bind:    map[string]string{"opt": opt, "bin": "/usr/bin", "usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"},
	})
	m.State(health.Rescue, 0)
	m.Reachable()
	run := fmt.Sprintf("/proc/%d/root/run/", m.PID())
	for when, file := range map[string]string{"before it listens": run + "booting", "in its loop": fmt.Sprintf("/proc/%d/status", m.PID())} {
		if left := ^(mask(t, file, "SigCgt") | mask(t, file, "SigIgn") | harmless) & (1<<31 - 1); left != 0 {
			t.Errorf("%s the signals of %#x have their default action", when, left)
		}
	}
	if inherited := mask(t, run+"child", "SigIgn"); inherited != 0 {
		t.Errorf("a child of the boot ignores the signals of %#x", inherited)
	}
	m.Eventually("start the monitor", func() bool { return m.Has("beaminit-monito") != 0 })
	for child, file := range map[string]string{"the id program": run + "child", "the monitor": fmt.Sprintf("/proc/%d/status", m.Child("beaminit-monito"))} {
		if inherited := mask(t, file, "SigBlk"); inherited != 0 {
			t.Errorf("%s has the signals of %#x blocked", child, inherited)
		}
	}
}

// mask is a set of signals out of a status file of proc(5).
func mask(t *testing.T, file, name string) uint64 {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(name + `:\s*([0-9a-f]+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s: no %s in\n%s", file, name, text)
	}
	set, err := strconv.ParseUint(string(found[1]), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
