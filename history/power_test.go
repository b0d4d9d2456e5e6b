package history

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// withDisk calls body with a disk's file and the place where it is mounted.
func withDisk(t *testing.T, body func(t *testing.T, work, disk, at string)) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		work, err := os.MkdirTemp("/dev/shm", "beaminit")
		if err != nil {
			t.Skip(err)
		}
		defer os.RemoveAll(work)
		disk, at := filepath.Join(work, "disk"), filepath.Join(work, "at")
		if err := os.WriteFile(disk, nil, 0o600); err != nil || os.Truncate(disk, 8<<20) != nil || os.Mkdir(at, 0o700) != nil {
			t.Fatal("no disk", err)
		}
		if out, err := exec.Command("mkfs.ext4", "-q", "-F", disk).CombinedOutput(); err != nil {
			t.Skipf("mkfs.ext4: %v: %s", err, out)
		}
		mount(t, disk, at)
		defer unix.Unmount(at, unix.MNT_DETACH)
		body(t, work, disk, at)
	})
}

// mount mounts a disk to which nothing is written but what is asked for (ext4(5)).
func mount(t *testing.T, what, where string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "loop,commit=300,noauto_da_alloc", what, where).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
}

// Power goes at any moment: what the disk has then is what a copy of it has that is made
// while the writing process is stopped. All entries that had been added are in it.
func TestPowerCut(t *testing.T) {
	withDisk(t, func(t *testing.T, work, disk, at string) { cuts(t, work, disk, filepath.Join(at, "beaminit")) })
}

// cuts has a process write in dir, on disk, and cuts power again and again.
func cuts(t *testing.T, work, disk, dir string) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), appendEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		t.Fatal("start", err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	var b [3]byte
	for cut := 1; cut < 1300; cut += 61 {
		added := 0
		for added < cut {
			if _, err := out.Read(b[:]); err != nil {
				t.Fatal(err)
			}
			added = int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		}
		cmd.Process.Signal(syscall.SIGSTOP)
		copied := filepath.Join(work, "copy")
		content, err := os.ReadFile(disk)
		if err == nil {
			err = os.WriteFile(copied, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd.Process.Signal(syscall.SIGCONT)
		after := filepath.Join(work, "after")
		os.Mkdir(after, 0o700)
		mount(t, copied, after)
		first, last := numbers(t, filepath.Join(after, "beaminit"))
		if last < added || first > 1 && last-first < 200 {
			t.Errorf("power went after number %d: entries %d to %d are there", added, first, last)
		}
		if err := unix.Unmount(after, 0); err != nil {
			t.Fatal(err)
		}
	}
}
