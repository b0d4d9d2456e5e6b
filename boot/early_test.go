package boot

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/internal/nstest"
)

func TestEarlyReallyMounted(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, mountBoth())
		for _, c := range []struct {
			target, kind, options string
			mode                  os.FileMode
			share                 uint64 // of the memory, in percent; 0: not looked at
		}{
			{"/proc", "proc", "rw,nosuid,nodev,noexec,relatime", 0o555, 0},
			{"/sys", "sysfs", "rw,nosuid,nodev,noexec,relatime", 0o555, 0},
			{"/dev", "devtmpfs", "rw,nosuid,noexec,relatime", 0o755, 0},
			{"/dev/pts", "devpts", "rw,nosuid,noexec,relatime", 0o755, 0},
			{"/dev/shm", "tmpfs", "rw,nosuid,nodev,noexec,relatime", 0o777 | os.ModeSticky, 25},
			{"/run", "tmpfs", "rw,nosuid,nodev,noexec,relatime", 0o755, 10},
			{"/tmp", "tmpfs", "rw,nosuid,nodev,noexec,relatime", 0o777 | os.ModeSticky, 10},
			{"/sys/fs/cgroup", "cgroup2", "rw,nosuid,nodev,noexec,relatime", 0o555, 0},
			{"/sys/fs/pstore", "pstore", "rw,nosuid,nodev,noexec,relatime", 0o750, 0},
		} {
			on := mounted(t, c.target)
			if len(on) != 1 || on[0].Type != c.kind || on[0].Options != c.options {
				t.Errorf("%s: got %+v, want one %s with %s", c.target, on, c.kind, c.options)
				continue
			}
			if st, err := os.Stat(c.target); err != nil || st.Mode()&^os.ModeDir != c.mode {
				t.Errorf("%s: mode %v, %v; want %v", c.target, st.Mode(), err, c.mode)
			}
			if got := memoryShare(t, c.target); c.share != 0 && got != c.share {
				t.Errorf("%s: it may take %d %% of the memory, want %d %%", c.target, got, c.share)
			}
		}
		if got := mounted(t, "/dev/pts")[0].Super; !hasWord(got, "gid=5") || !hasWord(got, "mode=620") || !hasWord(got, "ptmxmode=666") {
			t.Errorf("devpts: got %s", got)
		}
		checkDev(t)
	})
}

// memoryShare gives the size of a file system in percent of the memory, rounded.
func memoryShare(t *testing.T, target string) uint64 {
	t.Helper()
	var fs unix.Statfs_t
	var info unix.Sysinfo_t
	nstest.Must(t, unix.Statfs(target, &fs))
	nstest.Must(t, unix.Sysinfo(&info))
	total := uint64(info.Totalram) * uint64(info.Unit)
	return (fs.Blocks*uint64(fs.Bsize)*100 + total/2) / total
}

// checkDev uses what must be in /dev.
func checkDev(t *testing.T) {
	t.Helper()
	nstest.Must(t, os.WriteFile("/dev/null", []byte("x"), 0))
	zero, err := os.Open("/dev/zero")
	nstest.Must(t, err)
	defer zero.Close()
	for name, want := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if got, err := os.Readlink("/dev/" + name); got != want {
			t.Errorf("/dev/%s: %q, %v; want a link to %s", name, got, err, want)
		}
	}
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Errorf("a pseudo terminal cannot be opened: %v", err)
		return
	}
	pty.Close()
}

func TestEarlyTwiceIsOnce(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, mountBoth())
		nstest.Must(t, os.WriteFile("/run/kept", nil, 0o644))
		before, err := files.ReadLimit("/proc/self/mountinfo", maxTable)
		nstest.Must(t, err)
		nstest.None(t, mountBoth())
		after, err := files.ReadLimit("/proc/self/mountinfo", maxTable)
		nstest.Must(t, err)
		if string(before) != string(after) {
			t.Errorf("the second time changed something:\n%s\nwas\n%s", after, before)
		}
		if _, err := os.Stat("/run/kept"); err != nil {
			t.Error(err)
		}
	})
}

// A kernel or an earlier stage may have mounted them with no flags at all.
func TestEarlyTightens(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		for _, m := range [][2]string{{"proc", "/proc"}, {"devtmpfs", "/dev"}, {"tmpfs", "/run"}} {
			nstest.Must(t, os.MkdirAll(m[1], 0o755))
			nstest.Must(t, unix.Mount(m[0], m[1], m[0], unix.MS_NOATIME, ""))
		}
		nstest.Must(t, os.Mkdir("/sys", 0o755))
		nstest.Must(t, unix.Mount("sysfs", "/sys", "sysfs", unix.MS_RDONLY, ""))
		nstest.None(t, mountBoth())
		for target, want := range map[string]string{
			"/sys":  "ro,nosuid,nodev,noexec,relatime", // no restriction is taken away
			"/proc": "rw,nosuid,nodev,noexec,noatime",
			"/dev":  "rw,nosuid,noexec,noatime",
			"/run":  "rw,nosuid,nodev,noexec,noatime",
		} {
			if on := mounted(t, target); len(on) != 1 || on[0].Options != want {
				t.Errorf("%s: got %+v, want one mount with %s", target, on, want)
			}
		}
	})
}

func TestEarlyOnReadOnlyRoot(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.Must(t, os.Mkdir("/proc", 0o755))
		nstest.Must(t, os.Mkdir("/tmp", 0o755))
		nstest.Must(t, unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		errs := mountBoth()
		got := texts(errs)
		for _, dir := range []string{"/sys", "/dev", "/dev/pts", "/dev/shm", "/run"} {
			want := "add an empty directory " + dir + " to the image"
			if !strings.Contains(got, want) {
				t.Errorf("want %q in:\n%s", want, got)
			}
		}
		if len(errs) != 5 {
			t.Errorf("%d errors, want 5 (none for the optional ones):\n%s", len(errs), got)
		}
		if len(mounted(t, "/proc")) != 1 || len(mounted(t, "/tmp")) != 1 {
			t.Error("what could be mounted was not")
		}
	})
}

func TestDevWithoutDevtmpfs(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		unix.Umask(0o077)
		nstest.Must(t, os.Mkdir("/proc", 0o755))
		nstest.Must(t, unix.Mount("proc", "/proc", "proc", 0, ""))
		err := fillDev(unix.ENODEV)
		if err == nil || !strings.Contains(err.Error(), "a tmpfs with the basic nodes stands in") {
			t.Errorf("got %v, want an error that tells of the tmpfs", err)
		}
		nstest.None(t, MountLate())
		checkDev(t)
		for _, n := range devNodes {
			var st unix.Stat_t
			nstest.Must(t, unix.Stat(n.name, &st))
			if st.Mode != unix.S_IFCHR|n.mode || uint64(st.Rdev) != unix.Mkdev(n.major, n.minor) {
				t.Errorf("%s: mode %o device %#x", n.name, st.Mode, st.Rdev)
			}
		}
		if on := mounted(t, "/dev"); len(on) != 1 || on[0].Type != "tmpfs" || on[0].Options != "rw,nosuid,noexec,relatime" {
			t.Errorf("/dev: %+v", on)
		}
	})
}

// A /dev that somebody prepared stays, and gets what it lacks.
func TestDevPrepared(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.Must(t, os.Mkdir("/dev", 0o755))
		nstest.Must(t, unix.Mount("tmpfs", "/dev", "tmpfs", 0, ""))
		nstest.Must(t, os.WriteFile("/dev/own", nil, 0o644))
		nstest.None(t, mountBoth())
		if _, err := os.Stat("/dev/own"); err != nil {
			t.Error(err)
		}
		if on := mounted(t, "/dev"); len(on) != 1 || on[0].Options != "rw,nosuid,noexec,relatime" {
			t.Errorf("/dev: %+v", on)
		}
		checkDev(t)
	})
}

func TestEarlyPlan(t *testing.T) {
	want := `proc on /proc type proc (rw,nosuid,nodev,noexec)
sysfs on /sys type sysfs (rw,nosuid,nodev,noexec)
devtmpfs on /dev type devtmpfs (rw,nosuid,noexec,mode=0755)
tmpfs on /run type tmpfs (rw,nosuid,nodev,noexec,mode=0755,size=10%)
tmpfs on /tmp type tmpfs (rw,nosuid,nodev,noexec,mode=1777,size=10%)
devpts on /dev/pts type devpts (rw,nosuid,noexec,gid=5,mode=620,ptmxmode=666)
tmpfs on /dev/shm type tmpfs (rw,nosuid,nodev,noexec,mode=1777,size=25%)
cgroup2 on /sys/fs/cgroup type cgroup2 (rw,nosuid,nodev,noexec,nsdelegate,memory_recursiveprot)
pstore on /sys/fs/pstore type pstore (rw,nosuid,nodev,noexec)
`
	got := ""
	for _, m := range append(Early(), Late()...) {
		got += m.String() + "\n"
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNeedLate(t *testing.T) {
	for _, c := range []struct {
		m    Mount
		want bool
	}{
		{Mount{Source: "/dev/vdb", Target: "/data"}, false},
		{Mount{Source: "tmpfs", Target: "/dev/shm", Flags: unix.MS_REMOUNT}, true},
		{Mount{Source: "cgroup", Target: "/sys/fs/cgroup/cpu"}, true},
		{Mount{Source: "/dev/shm", Target: "/data/shm", Flags: unix.MS_BIND}, true},
		{Mount{Source: "tmpfs", Target: "/dev/shm2"}, false},
		{Mount{Source: "tmpfs", Target: "/tmp", Flags: unix.MS_REMOUNT}, false},
	} {
		if got := NeedLate([]Mount{{Target: "/other"}, c.m}); got != c.want {
			t.Errorf("NeedLate(%v) = %v, want %v", c.m, got, c.want)
		}
	}
}
