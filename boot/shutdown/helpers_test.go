package shutdown

import (
	"testing"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/internal/nstest"
)

// mounted gives the mounts on target, the topmost last.
func mounted(t *testing.T, target string) (found []boot.MountInfo) {
	t.Helper()
	list, errs := boot.Mounts()
	nstest.None(t, errs)
	for _, m := range list {
		if m.Target == target {
			found = append(found, m)
		}
	}
	return found
}
