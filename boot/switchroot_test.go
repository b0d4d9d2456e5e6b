package boot

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
)

// The way from a tmpfs that stands for the initramfs to another root, for real.
func TestEnterRoot(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, mountBoth())
		if !InInitramfs() {
			t.Error("a tmpfs root is not seen as an initramfs")
		}
		for _, dir := range []string{"/bin", "/a/b/c", "/extra", "/newroot"} {
			nstest.Must(t, os.MkdirAll(dir, 0o755))
		}
		for _, file := range []string{"/init", "/bin/x", "/a/b/c/y", "/run/kept"} {
			nstest.Must(t, os.WriteFile(file, []byte("text"), 0o644))
		}
		nstest.Must(t, os.Symlink("/extra", "/a/link"))
		// A mount that nobody moves: what is in it must live.
		nstest.Must(t, unix.Mount("tmpfs", "/extra", "tmpfs", 0, ""))
		nstest.Must(t, os.WriteFile("/extra/disk", nil, 0o644))
		extra, err := os.Open("/extra")
		nstest.Must(t, err)
		old, err := os.Open("/")
		nstest.Must(t, err)
		nstest.Must(t, unix.Mount("tmpfs", "/newroot", "tmpfs", 0, ""))
		for _, dir := range []string{"/proc", "/sys", "/dev", "/run", "/etc"} { // and no /tmp
			nstest.Must(t, os.Mkdir("/newroot"+dir, 0o755))
		}
		nstest.Must(t, os.WriteFile("/newroot/etc/os-release", nil, 0o644))
		nstest.Must(t, unix.Mount("", "/newroot", "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))

		var said []string
		nstest.Must(t, enterRoot("/newroot", func(line string) { said = append(said, line) }))
		if want := "the root has no directory /tmp: what was mounted there is lost; add an empty directory /tmp to the image"; len(said) != 1 || said[0] != want {
			t.Errorf("said %q, want only %q", said, want)
		}
		for _, file := range []string{"/etc/os-release", "/run/kept", "/proc/self/status", "/dev/null", "/dev/pts/ptmx", "/sys/fs/cgroup/cgroup.procs"} {
			if _, err := os.Stat(file); err != nil {
				t.Errorf("in the new root: %v", err)
			}
		}
		if cwd, err := os.Getwd(); cwd != "/" {
			t.Errorf("the working directory is %q, %v", cwd, err)
		}
		if left, _ := old.Readdirnames(-1); strings.Join(left, " ") != "extra" {
			t.Errorf("of the initramfs there are left %q, want only the mount extra", left)
		}
		if left, _ := extra.Readdirnames(-1); strings.Join(left, " ") != "disk" {
			t.Errorf("in a mount of another device there are left %q, want disk", left)
		}
		if on := mounted(t, "/run"); len(on) != 1 || on[0].Options != "rw,nosuid,nodev,noexec,relatime" {
			t.Errorf("/run: %+v", on)
		}
	})
}

// A root that is on a disk is never emptied.
func TestFreeRootRefuses(t *testing.T) {
	dir := t.TempDir()
	var fs unix.Statfs_t
	nstest.Must(t, unix.Statfs(dir, &fs))
	if IsInMemory(&fs) {
		t.Skip("the temporary directory is in memory")
	}
	nstest.Must(t, os.WriteFile(dir+"/file", nil, 0o644))
	root, err := os.Open(dir)
	nstest.Must(t, err)
	defer root.Close()
	if err := freeRoot(root); err == nil || !strings.Contains(err.Error(), "nothing is deleted") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir + "/file"); err != nil {
		t.Error(err)
	}
}

func TestRootMount(t *testing.T) {
	for _, c := range []struct {
		root config.Root
		want string
	}{
		{config.Root{Type: "squashfs"}, "/dev/vda on /newroot type squashfs (ro)"},
		{config.Root{Type: "ext4", Write: true, Flags: "noatime,data=journal"}, "/dev/vda on /newroot type ext4 (rw,noatime,data=journal)"},
		{config.Root{Flags: "nosuid"}, "/dev/vda on /newroot (ro,nosuid)"},
	} {
		if got := rootMount(c.root, "/dev/vda").String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestMountRootTypes(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir := t.TempDir()
		m := Mount{Source: "none", Target: dir, Flags: unix.MS_RDONLY}
		nstest.Must(t, mountRoot(m, []string{"nosuchfs", "tmpfs"}, func(line string) { t.Error(line) }))
		if on := mounted(t, dir); len(on) != 1 || on[0].Type != "tmpfs" || !hasWord(on[0].Options, "ro") {
			t.Errorf("got %+v", on)
		}
		nstest.Must(t, unix.Unmount(dir, 0))
		if err := mountRoot(m, []string{"nosuchfs"}, nil); err == nil || !strings.Contains(err.Error(), "name its module in kernel.modules") {
			t.Errorf("got %v", err)
		}
	})
}

// SwitchRoot ends with a reason, and "/" stays.
func TestSwitchRootWithout(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		devices(t)
		never := func(string) { t.Error("there was nothing to say") }
		err := SwitchRoot(config.Root{Device: "/dev/vdz1", Wait: 50 * time.Millisecond}, time.Minute, nil, never)
		if want := "root: /dev/vdz1: no such block device after 50ms; there are: "; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		err = SwitchRoot(config.Root{Device: "/dev/vdz1", Delay: time.Hour}, time.Minute, func() bool { return true }, never)
		if !errors.Is(err, Interrupted) {
			t.Errorf("got %v, want it interrupted", err)
		}
		if _, err := os.Stat("/proc/self"); err != nil {
			t.Error(err)
		}
	})
}

func TestDeviceTypes(t *testing.T) {
	got := deviceTypes([]byte("nodev\tsysfs\n\text4\n\tsquashfs\nnodev\toverlay\n\tfuseblk\n"))
	if strings.Join(got, " ") != "ext4 squashfs" {
		t.Errorf("got %q", got)
	}
}

const execMarker = "BEAMINIT_EXEC_TEST"

// The program of the new root is missing, the file of the own program deleted:
// it goes on by its file descriptor.
func TestExecInit(t *testing.T) {
	switch os.Getenv(execMarker) {
	case "first":
		self, err := Self()
		nstest.Must(t, err)
		nstest.Must(t, os.Remove("/proc/self/cwd/copy"))
		args := []string{"init", "-test.run=^TestExecInit$", "-test.v"}
		err = ExecInit("/no/such/init", self, args, []string{execMarker + "=second"}, func(line string) { println(line) })
		t.Fatalf("ExecInit came back: %v", err)
	case "second":
		exe, _ := os.Readlink("/proc/self/exe")
		println("second life as", os.Args[0], exe)
		return
	}
	dir := t.TempDir()
	program, err := os.ReadFile("/proc/self/exe")
	nstest.Must(t, err)
	nstest.Must(t, nstest.WriteFile(dir+"/copy", program, 0o755))
	cmd := exec.Command(dir+"/copy", "-test.run=^TestExecInit$", "-test.v", "-test.timeout=30s")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), execMarker+"=first")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"exec /no/such/init on the new root: no such file or directory: the init of the initramfs goes on in its place",
		"second life as init " + dir + "/copy (deleted)",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("want %q in:\n%s", want, out)
		}
	}
}

func TestExecInitBothFail(t *testing.T) {
	err := ExecInit("/no/such/init", -1, []string{"init"}, nil, func(string) {})
	if want := "nor can the own program be executed again: execveat: bad file descriptor"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
