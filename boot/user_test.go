package boot

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
)

func TestUserMounts(t *testing.T) {
	for _, c := range []struct {
		name    string
		m       config.Mount
		want    string // String of the plan; empty: none
		problem string // what a problem must contain; empty: none
	}{
		{"the manual's", config.Mount{Source: "/dev/vdb", Target: "/data", Type: "ext4", Options: []string{"noatime", "nosuid", "nodev"}},
			"/dev/vdb on /data type ext4 (rw,nosuid,nodev,noatime)", ""},
		{"words with commas", config.Mount{Source: "/dev/vdb", Target: "/data", Type: "ext4", Options: []string{"ro,noatime", "data=ordered,commit=30"}},
			"/dev/vdb on /data type ext4 (ro,noatime,data=ordered,commit=30)", ""},
		{"quotes", config.Mount{Source: "tmpfs", Target: "/x", Type: "tmpfs", Options: []string{`context="a:b,c",ro`}},
			`tmpfs on /x type tmpfs (ro,context="a:b,c")`, ""},
		{"no source", config.Mount{Target: "/x", Type: "tmpfs"}, "tmpfs on /x type tmpfs (rw)", ""},
		{"type to be found", config.Mount{Source: "/dev/vdb", Target: "/data"}, "/dev/vdb on /data (rw)", ""},
		{"PARTUUID", config.Mount{Source: "PARTUUID=1f-02", Target: "/data", Type: "ext4"}, "PARTUUID=1f-02 on /data type ext4 (rw)", ""},
		{"larger /tmp", config.Mount{Target: "/tmp", Type: "tmpfs", Options: []string{"size=50%", "exec"}},
			"tmpfs on /tmp type tmpfs (rw,nosuid,nodev,remount,mode=1777,size=10%,size=50%)", ""},
		{"disk on /tmp", config.Mount{Source: "/dev/vdb", Target: "/tmp", Type: "ext4"}, "/dev/vdb on /tmp type ext4 (rw)", ""},
		{"noauto", config.Mount{Source: "/dev/vdb", Target: "/data", Type: "ext4", Options: []string{"noauto"}}, "", ""},
		{"auto wins", config.Mount{Source: "/dev/vdb", Target: "/data", Type: "ext4", Options: []string{"noauto", "auto"}}, "/dev/vdb on /data type ext4 (rw)", ""},
		{"root", config.Mount{Target: "/", Options: []string{"remount", "rw"}}, " on / (rw,remount)", ""},

		{"tmpfs on the cgroups", config.Mount{Source: "tmpfs", Target: "/sys/fs/cgroup", Type: "tmpfs"}, "", "there is the cgroup2 that PID 1 mounts"},
		{"relative", config.Mount{Source: "tmpfs", Target: "data", Type: "tmpfs"}, "", `target "data": it must be an absolute path`},
		{"dots", config.Mount{Source: "tmpfs", Target: "/data/../etc", Type: "tmpfs"}, "", "absolute path"},
		{"nothing", config.Mount{Target: "/data"}, "", "needs a source"},
		{"over the root", config.Mount{Source: "/dev/vdb", Target: "/", Type: "ext4"}, "", `target "/": it is the root`},
		{"UUID", config.Mount{Source: "UUID=12", Target: "/data", Type: "ext4"}, "UUID=12 on /data type ext4 (rw)", ""},
		{"no UUID", config.Mount{Source: "UUID=", Target: "/data", Type: "ext4"}, "", `"UUID=" names no block device`},
		{"a link of udev's", config.Mount{Source: "/dev/disk/by-id/nvme-1", Target: "/data", Type: "ext4"}, "", "/dev/disk/by-id/nvme-1: such links are made by udev"},
		{"udev's id", config.Mount{Source: "ID=nvme-1", Target: "/data", Type: "ext4"}, "", `"ID=nvme-1" names no block device: it must be /dev/NAME`},
		{"ubi", config.Mount{Source: "ubi:data", Target: "/data", Type: "ubifs"}, "ubi:data on /data type ubifs (rw)", ""},
		{"LABEL", config.Mount{Source: "LABEL=data", Target: "/data", Type: "ext4"}, "LABEL=data on /data type ext4 (rw)", ""},
		{"swap", config.Mount{Source: "/dev/vdc", Target: "none", Type: "swap"}, "/dev/vdc on none type swap (rw)", ""},
		{"loop", config.Mount{Source: "/a.img", Target: "/data", Type: "ext4", Options: []string{"loop"}}, "", "(the option loop) is not supported yet"},
		{"a file", config.Mount{Source: "/opt/a.img", Target: "/opt/a", Type: "squashfs"}, "", "a file as a device (the option loop) is not supported yet; want a partition"},
		{"bind of nothing", config.Mount{Source: "tmpfs", Target: "/data", Options: []string{"bind"}}, "", "absolute path as its source"},
	} {
		plan, problems := UserMounts([]config.Mount{c.m})
		got := ""
		if len(plan) > 0 {
			got = plan[0].String()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if p := texts(problems); c.problem == "" && p != "" || !strings.Contains(p, c.problem) || c.problem != "" && !strings.Contains(p, "left out") {
			t.Errorf("%s: problems %q, want %q", c.name, p, c.problem)
		}
	}
}

// Of two mounts on one target the second is for where the first fails.
func TestUserMountTwice(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, mountBoth())
		ms := []config.Mount{
			{Source: "tmpfs", Target: "/data", Type: "tmpfs", Options: []string{"size=nonsense"}},
			{Source: "tmpfs", Target: "/data", Type: "tmpfs", Options: []string{"size=64k"}},
			{Source: "tmpfs", Target: "/data", Type: "tmpfs", Options: []string{"size=128k"}},
		}
		plan, problems := UserMounts(ms)
		nstest.None(t, problems)
		errs := MountUser(plan, 0, nil, nil)
		if on := mounted(t, "/data"); len(errs) != 1 || len(on) != 1 || !strings.Contains(on[0].Super, "size=64k") {
			t.Errorf("got %+v, errors %q; want the second one, and a line about the first", on, texts(errs))
		}
	})
}

// nofail takes no option away: a directory that was to be closed to others would be open.
func TestNofailKeepsOptions(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, mountBoth())
		plan, problems := UserMounts([]config.Mount{{Source: "tmpfs", Target: "/secret", Type: "tmpfs", Options: []string{"nofail", "mode=0700", "nosuchoption"}}})
		nstest.None(t, problems)
		if errs := texts(MountUser(plan, 0, nil, nil)); !strings.Contains(errs, "a word in its options") || !strings.Contains(errs, "(nofail: the boot goes on without it)") {
			t.Errorf("got %q", errs)
		}
		if on := mounted(t, "/secret"); len(on) > 0 {
			t.Errorf("mounted with less than was asked for: %+v", on)
		}
	})
}

func TestRemountOfEarly(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, mountBoth())
		plan, problems := UserMounts([]config.Mount{{Target: "/tmp", Type: "tmpfs", Options: []string{"size=192k", "exec"}}})
		nstest.None(t, problems)
		nstest.None(t, MountUser(plan, 0, nil, nil))
		on := mounted(t, "/tmp")
		if len(on) != 1 || on[0].Options != "rw,nosuid,nodev,relatime" || !hasWord(on[0].Super, "size=192k") {
			t.Errorf("got %+v, want one mount, executable, of 192k", on)
		}
	})
}

func TestMountUserFailures(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		dir := t.TempDir()
		ms := []Mount{
			{Source: "/dev/no-such-disk", Target: dir, Type: "ext4"},
			{Source: "/dev/no-such-disk", Target: dir, Type: "ext4", NoFail: true},
			{Source: "/dev/null", Target: dir, Type: "ext4"},
			{Source: "x", Target: dir, Type: "nosuchfs"},
			{Source: "x", Target: dir, Type: "nosuchfs", NoFail: true},
			{Source: "tmpfs", Target: dir, Type: "tmpfs", Data: "size=nonsense"},
			{Source: "/nowhere", Target: dir, Flags: unix.MS_BIND},
			{Source: "tmpfs", Target: "/proc/no/such", Type: "tmpfs"},
			{Source: "tmpfs", Target: dir, Type: "tmpfs", Data: "size=64k"},
		}
		got := texts(MountUser(ms, 0, nil, nil))
		for _, want := range []string{
			"mount /dev/no-such-disk on " + dir + " type ext4 (rw): /dev/no-such-disk: no such block device; ",
			"/dev/null: block device required",
			"the kernel does not know file system nosuchfs: build it in, or name its module in kernel.modules",
			"tmpfs (rw,size=nonsense): invalid argument: ",
			"/nowhere is not there",
			"mount tmpfs on /proc/no/such type tmpfs (rw): make the mount point: ",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("want %q in:\n%s", want, got)
			}
		}
		if n := strings.Count(got, "\n") + 1; n != 8 || strings.Count(got, "(nofail: the boot goes on without it)") != 2 {
			t.Errorf("got %d errors, want 8, two of them with nofail:\n%s", n, got)
		}
		if on := mounted(t, dir); len(on) != 1 || !hasWord(on[0].Super, "size=64k") {
			t.Errorf("the last mount was not made after all the failures: %+v", on)
		}
		nstest.Must(t, unix.Unmount(dir, 0))
	})
}
