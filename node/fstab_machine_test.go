package node_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"
)

// What an image's fstab says of the mounts that PID 1 makes itself holds for them, too.
func TestOwnMountsByFstab(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.Spec{Cmdline: "quiet", Files: map[string]string{
		"etc/fstab": "proc /proc proc defaults,hidepid=2 0 0\ntmpfs /run tmpfs mode=0755,size=20M 0 0\nsysfs /sys sysfs ro 0 0\ntmpfs /dev/shm tmpfs size=1M # small\n",
	}})
	m.Line("state=rescue")
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(m.PID()), "mounts"))
	m.Must(err)
	for _, want := range []string{
		"proc /proc proc rw,nosuid,nodev,noexec,relatime,hidepid=", "tmpfs /run tmpfs rw,nosuid,nodev,noexec,relatime,size=20480k,",
		"sysfs /sys sysfs ro,nosuid,nodev,noexec,", "tmpfs /dev/shm tmpfs rw,relatime,size=1024k ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
