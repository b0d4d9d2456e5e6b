package boot

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/internal/nstest"
)

// whole are the namespaces of a node of its own. The cgroup one keeps the words
// of cgroup2 (nsdelegate) from changing the machine's hierarchy.
const whole = nstest.Usual | syscall.CLONE_NEWPID | syscall.CLONE_NEWCGROUP | syscall.CLONE_NEWIPC

// emptyRoot makes an empty tmpfs the root of this mount namespace: what is
// mounted afterwards is all there is.
func emptyRoot(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"))
	must(t, unix.Chdir(dir))
	must(t, unix.PivotRoot(".", "."))
	must(t, unix.Unmount(".", unix.MNT_DETACH))
	must(t, unix.Chdir("/"))
}

// mountBoth makes all mounts of the two tables.
func mountBoth() []error { return append(MountAll(Early()), MountLate()...) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stateIn opens a directory as a state directory, which is root's.
func stateIn(t *testing.T, dir string) *files.Dir {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: a state directory is root's")
	}
	state, err := openState(dir)
	must(t, err)
	t.Cleanup(state.Close)
	return state
}

func none(t *testing.T, errs []error) {
	t.Helper()
	for _, err := range errs {
		t.Errorf("unexpected: %v", err)
	}
}

// mounted reads mountinfo and gives the mounts on target, the topmost last.
func mounted(t *testing.T, target string) []MountInfo {
	t.Helper()
	text, err := files.ReadLimit("/proc/self/mountinfo", maxTable)
	must(t, err)
	list, err := ParseMountInfo(text)
	must(t, err)
	var found []MountInfo
	for _, m := range list {
		if m.Target == target {
			found = append(found, m)
		}
	}
	return found
}

// hasWord looks for a whole word in a list with commas.
func hasWord(list, word string) bool {
	for _, w := range strings.Split(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

func texts(errs []error) string {
	var lines []string
	for _, err := range errs {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}
