package machine

import (
	"os"
	"path/filepath"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// ownCgroup makes a cgroup2 for the machine; it is gone at the end of the test, with those
// below it.
func (m *Machine) ownCgroup() string {
	m.T.Helper()
	for _, top := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		if unix.Statfs(top, &fs) != nil || fs.Type != unix.CGROUP2_SUPER_MAGIC {
			continue
		}
		dir, err := os.MkdirTemp(top, "beaminit-test-")
		if err != nil {
			m.T.Skip("no cgroup can be made here: ", err)
		}
		m.T.Cleanup(func() {
			// What was in it is ending.
			for end := time.Now().Add(nstest.Patience); removeCgroup(dir) != nil; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					m.T.Error(dir, " stays")
					return
				}
			}
		})
		return dir
	}
	m.T.Skip("no cgroup2 here")
	return ""
}

func removeCgroup(dir string) error {
	below, _ := filepath.Glob(dir + "/*/cgroup.procs")
	for _, file := range below {
		os.Remove(filepath.Dir(file))
	}
	return os.Remove(dir)
}
