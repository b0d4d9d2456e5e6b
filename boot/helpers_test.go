package boot

import (
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/internal/nstest"
)

// mountBoth makes all mounts of the two tables.
func mountBoth() []error { return append(MountAll(Early()), MountLate()...) }

// stateIn opens a directory as a state directory, which is root's.
func stateIn(t *testing.T, dir string) *files.Dir {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: a state directory is root's")
	}
	state, err := openState(dir)
	nstest.Must(t, err)
	t.Cleanup(state.Close)
	return state
}

// mounted gives the mounts on target, the topmost last.
func mounted(t *testing.T, target string) (found []MountInfo) {
	t.Helper()
	list, errs := Mounts()
	nstest.None(t, errs)
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
