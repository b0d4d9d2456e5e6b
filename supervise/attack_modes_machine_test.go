package supervise_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// modes are of all that PID 1 and its children make below /run/beaminit and in the state
// directory: who can do what with it.
var modes = map[string]string{
	"run": "drwxr-xr-x 0", "run/control": "Srw------- 0", "run/notify": "Srw------- 1000", "run/heart": "Srw------- 1000",
	"run/bin": "drwxr-xr-x 0", "run/bin/heart": "Lrwxrwxrwx 0", "run/hosts": "-rw-r--r-- 0", "run/inetrc": "-rw-r--r-- 0", "run/resolv.conf": "-rw-r--r-- 0",
	"run/net": "drwxr-xr-x 0", "run/net/eth0.json": "-rw-r--r-- 0", "run/net/lo.json": "-rw-r--r-- 0", "run/net/eth0.sources": "-rw-r--r-- 0", "run/net/lo.sources": "-rw-r--r-- 0",
	"run/release": "drwx------ 1000", "run/release/extra.config": "-rw------- 1000", "run/release/.erlang.cookie": "-r-------- 1000", "run/dumps": "drwx------ 0",
	"state": "drwx--x--x 0", "state/history": "-rw------- 0", "state/alive": "-rw------- 0", "state/seed": "-rw------- 0", "state/clock": "-rw------- 0", "state/machine-id": "-r--r--r-- 0",
	"state/dumps": "drwx------ 1000",
}

// Each has the mode and the owner of the table, and there is nothing that the table has not; with
// an umask of whoever starts it, and with a default list of rights of the disk (acl(5)), that
// would let the release's user in.
func TestModes(t *testing.T) {
	t.Parallel()
	s := toBeAttacked(t, "app", "")
	disk := t.TempDir()
	if err := unix.Setxattr(disk, "system.posix_acl_default", acl(1000), 0); err != nil {
		t.Skip("no access control lists: ", err)
	}
	s.Bind["store"] = disk
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Restarted(1, next)
	for name, dir := range map[string]string{"run": fmt.Sprintf("/proc/%d/root/run/beaminit", m.PID()), "state": disk + "/beaminit"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			var st unix.Stat_t
			m.Must(unix.Lstat(path, &st))
			short := name + strings.TrimPrefix(path, dir)
			if got := fmt.Sprint(info.Mode(), " ", st.Uid); got != modes[short] && !strings.HasPrefix(short, "state/dumps/") {
				t.Errorf("%s is %s, want %s", short, got, modes[short])
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	}
	for _, line := range attacks(m, 1000, "files") {
		if !its(line) && !strings.Contains(line, " /data/beaminit/dumps/") {
			t.Errorf("it can %s", line)
		}
	}
}
