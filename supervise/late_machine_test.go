package supervise_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"golang.org/x/sys/unix"
)

// disk is a block device with an ext4 that has these files, until the end of the test.
func disk(t *testing.T, files map[string]string) (device string) {
	t.Helper()
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Skipf("%s: %v: %s", name, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	dir := t.TempDir()
	image, content := filepath.Join(dir, "image"), filepath.Join(dir, "content")
	for name, text := range files {
		if err := os.MkdirAll(content, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(content, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run("truncate", "-s", "8M", image)
	run("mkfs.ext4", "-q", "-F", "-d", content, image)
	device = run("losetup", "-f", "--show", image)
	t.Cleanup(func() { exec.Command("losetup", "-d", device).Run() })
	return device
}

// plugDisk has the machine find the device under that name, as the kernel makes a node and
// then says so.
func plugDisk(m *machine.Machine, device, name string) {
	m.T.Helper()
	var st unix.Stat_t
	m.Must(unix.Stat(device, &st))
	m.Must(unix.Mknod(fmt.Sprintf("/proc/%d/root/dev/%s", m.PID(), name), unix.S_IFBLK|0o600, int(st.Rdev)))
	m.Must(os.WriteFile("/sys/block/"+filepath.Base(device)+"/uevent", []byte("change"), 0o200))
}

// A disk that comes when the node has long been up is mounted, and gets all that was kept in
// memory: the history, a seed, what was kept of an end. Somebody who mounts one by hand is
// seen too.
func TestLateDisk(t *testing.T) {
	t.Parallel()
	const output = "release: eclero: alone so far" // without any, none is kept
	for _, byHand := range []bool{false, true} {
		t.Run(fmt.Sprint("by hand ", byHand), func(t *testing.T) {
			t.Parallel()
			device := disk(t, map[string]string{"cookie": "namespace-cookie"})
			source := "/dev/late"
			if byHand {
				source = "/dev/never"
			}
			s := machine.WithERTS(t, "hostname=node1", fmt.Sprintf("[[mount]]\nsource = %q\ntarget = \"/data\"\ntype = \"ext4\"\noptions = [\"nofail\"]\n", source))
			s.Programs = map[string]string{"srv/mount": "/bin/mount"}
			m := machine.Start(t, s)
			r, next := m.State(health.Up, 0)
			if !slices.Equal(r.Warn, []string{"data", "state"}) {
				t.Errorf("warn=%v, want data and state", r.Warn)
			}
			m.LinesWith(output, 1)
			unix.Kill(m.VM(), unix.SIGKILL)
			_, next = m.Restarted(1, next)
			m.Line("kept: last output /run/beaminit/dumps/")
			plugDisk(m, device, "late")
			if byHand {
				if out, err := exec.Command("nsenter", "-m", "-t", fmt.Sprint(m.PID()), "/srv/mount", "-n", "-t", "ext4", "/dev/late", "/data").CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			m.Line("the state directory is /data/beaminit, which has come late")
			onDisk := fmt.Sprintf("/proc/%d/root/data/beaminit/", m.PID())
			m.Eventually("have the history on the disk", func() bool {
				text, _ := os.ReadFile(onDisk + "history")
				return strings.Contains(string(text), "killed by signal 9") && strings.Contains(string(text), "kind=boot")
			})
			m.Eventually("have a seed on the disk", func() bool { return opens(onDisk+"seed", os.O_RDONLY) == nil })
			m.Eventually("have what was kept on the disk", func() bool {
				names, _ := filepath.Glob(onDisk + "dumps/last-output-*.log")
				return len(names) > 0
			})
			m.Eventually("have it no more in memory", func() bool {
				names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/root/run/beaminit/dumps/last-output-*", m.PID()))
				return len(names) == 0
			})
			m.Record("without a warning", next, func(r health.Record) bool {
				return len(r.Warn) == 0 || byHand && slices.Equal(r.Warn, []string{"data"})
			})
			if !byHand {
				m.Eventually("have nothing that waits for a disk", func() bool { return m.Has("beaminit-job") == 0 })
			}
			unix.Kill(m.VM(), unix.SIGKILL) // it was told of the directory in memory
			m.Restarted(2, next)
			m.LinesWith(output, 3)
			unix.Kill(m.VM(), unix.SIGKILL)
			m.Line("kept: last output /data/beaminit/dumps/")
			m.Signal(unix.SIGTERM)
			if got := m.Ended(); got != unix.SIGHUP {
				t.Errorf("the kernel ended it with %v, want a reboot", got)
			}
		})
	}
}
