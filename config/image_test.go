package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// list is the names of files in a directory.
func (f files) list(dir string) (names []string) {
	for p := range f {
		if rest, below := strings.CutPrefix(p, dir+"/"); below {
			name, _, _ := strings.Cut(rest, "/") // a file, or a directory
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// image loads what an image holds.
func image(t *testing.T, f files, cmdline string) *Config {
	t.Helper()
	f[macPath] = macText
	c := Sources{Cmdline: cmdline, Args: InitArgs(cmdline), Read: f.read, List: f.list}.Load()
	valid(t, c)
	return c
}

// What Yocto's base-files brings, and lines of others.
const fstab = `# stock fstab
/dev/root            /                    auto       defaults              1  1
proc                 /proc                proc       defaults              0  0
devpts               /dev/pts             devpts     mode=0620,ptmxmode=0666,gid=5      0  0
tmpfs                /run                 tmpfs      mode=0755,nodev,nosuid,strictatime 0  0
tmpfs                /var/volatile        tmpfs      defaults              0  0
#/dev/mmcblk0p1       /media/card          auto       defaults,sync,noauto  0  0
/dev/mmcblk0p1 /media/card auto defaults,sync,noauto 0 0
PARTLABEL=data /data ext4 noatime,nofail,x-systemd.growfs,x-systemd.device-timeout=3s 0 2
/dev/mmcblk0p5 none swap sw 0 0
/dev/mmcblk0p6 /my\040disk vfat umask=0077
UUID="12-34" /card vfat
tmpfs /tmp tmpfs defaults,nosuid,mode=1777
tmpfs /dev/shm tmpfs
`

func TestFstab(t *testing.T) {
	c := image(t, files{fstabPath: fstab}, "")
	got := ""
	c.Each(func(key, value, where string) {
		if key == "mount" {
			got += value + " # " + where + "\n"
		}
	})
	want := `{ source = "tmpfs", target = "/var/volatile", type = "tmpfs" } # /etc/fstab:6
{ source = "PARTLABEL=data", target = "/data", type = "ext4", options = ["noatime", "nofail", "x-systemd.growfs", "x-systemd.device-timeout=3s"], wait = "3s", check = true, grow = "filesystem" } # /etc/fstab:9
{ source = "/dev/mmcblk0p5", target = "none", type = "swap", options = ["sw"] } # /etc/fstab:10
{ source = "/dev/mmcblk0p6", target = "/my disk", type = "vfat", options = ["umask=0077"] } # /etc/fstab:11
{ source = "UUID=12-34", target = "/card", type = "vfat" } # /etc/fstab:12
{ source = "tmpfs", target = "/tmp", type = "tmpfs", options = ["defaults", "nosuid", "mode=1777", "dev", "exec"] } # /etc/fstab:13
{ source = "tmpfs", target = "/dev/shm", type = "tmpfs", options = ["suid", "dev", "exec"] } # /etc/fstab:14
`
	if got != want || c.Problems != nil {
		t.Errorf("got\n%swant\n%s%q", got, want, problems(c))
	}
	// What the read-only-rootfs of Yocto makes of the first line is nothing to tell.
	for options, told := range map[string]bool{"ro": false, "defaults,rw": false, "noatime": true, "ro,noatime": true} {
		c := image(t, files{fstabPath: "/dev/root / auto " + options + " 1 0\n"}, "")
		if got := strings.Contains(strings.Join(notes(c), "\n"), "the options of / are without effect"); got != told {
			t.Errorf("options %s of the root are told of: %v, want %v", options, got, told)
		}
	}
	// The other sources win, target by target.
	c = image(t, files{fstabPath: fstab, Path: "[[mount]]\nsource = \"/dev/vdb\"\ntarget = \"/data\"\ntype = \"ext4\"\n", ErlinitPath: "-m /dev/vdc:/root:ext4::"}, "")
	targets := ""
	for _, m := range c.Mounts {
		targets += m.Target + " " + m.Source + "; "
	}
	if want := "/data /dev/vdb; /var/volatile tmpfs; none /dev/mmcblk0p5; /my disk /dev/mmcblk0p6; /card UUID=12-34; /tmp tmpfs; /dev/shm tmpfs; "; targets != want {
		t.Errorf("got %s, want %s", targets, want)
	}
	c = image(t, files{fstabPath: "a b\n/dev/a data ext4\n/dev/b /b ext4 noatim\n"}, "")
	wantProblems := []string{
		`/etc/fstab:1: 2 fields; want source, target, type, options and two numbers, as in fstab(5); using no such mount`,
		`/etc/fstab:2: "data" is no place to mount on; want an absolute path without . and .., such as "/data"; using no such mount`,
		`/etc/fstab:3: mount.options: "noatim" is no option of ext4; did you mean noatime?; using it as it stands: the kernel says whether it takes it`,
	}
	if got := problems(c); !reflect.DeepEqual(got, wantProblems) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantProblems, "\n"))
	}
}

// What an fstab says more than usual of what PID 1 mounts itself is done, as with mount(8).
func TestFstabOfOwn(t *testing.T) {
	for line, want := range map[string]string{
		"proc /proc proc defaults":                                             "",
		"proc /proc/ proc nosuid,nodev,noexec,relatime":                        "",
		"proc /proc proc defaults,hidepid=2,gid=10":                            "/proc [hidepid=2 gid=10]",
		"tmpfs /run tmpfs mode=0755,nodev,nosuid,strictatime":                  "",
		"tmpfs /run tmpfs nosuid,size=20M,mode=0755":                           "/run [size=20M]",
		"devpts /dev/pts devpts mode=0620,ptmxmode=0666,gid=5":                 "",
		"sysfs /sys sysfs ro":                                                  "/sys [ro]",
		"cgroup2 /sys/fs/cgroup cgroup2 nosuid,nsdelegate":                     "/sys/fs/cgroup [nsdelegate]",
		"proc /proc proc noauto,hidepid=2":                                     "",
		"/dev/sda3 /data ext4 defaults 0 2 # the data":                         "/data []",
		"/dev/sda3 /data ext4 noatime # the data":                              "/data [noatime]",
		"/dev/zram0 none swap pri=100,discard":                                 "none [pri=100 discard]",
		"/dev/sda3 /data ext4 noatime,x-systemd.device-timeout=1min":           "/data [noatime x-systemd.device-timeout=1min]",
		"/dev/sda3 /data ext4 x-systemd.device-timeout=1min\\04030sec,noatime": "/data [x-systemd.device-timeout=1min 30sec noatime]",
	} {
		c := image(t, files{fstabPath: line + "\n"}, "")
		got := ""
		for _, m := range c.Mounts {
			got += m.Target + " " + fmt.Sprint(m.Options)
			if strings.Contains(line, "1min") && (m.Wait < time.Minute || m.Wait > 90*time.Second) {
				t.Errorf("%s: waits for %v", line, m.Wait)
			}
		}
		if got != want || c.Problems != nil || c.Notes != nil {
			t.Errorf("%s: got %q, want %q; problems %q, notes %q", line, got, want, problems(c), notes(c))
		}
	}
	for line, want := range map[string]string{
		"/dev/sda1 / ext4 defaults,errors=remount-ro,noatime":        `fstab: the options of / are without effect; want a [[mount]] with target = "/" and options = ["remount", "errors=remount-ro", "noatime"]`,
		"/dev/sda1 / ext4 defaults,x-initrd.mount":                   "",
		"/dev/sda3 /data ext4 x-mount.mkdir,X-mount.mode=0700":       "mount: X-mount.mode=0700 of /data is without effect: it is for mount(8); want a line of tmpfiles.d for mode and owner, such as z /data 0700 app app",
		"/dev/sda3 /data ext4 x-systemd.automount,x-systemd.after=x": "",
	} {
		if got := strings.Join(notes(image(t, files{fstabPath: line + "\n"}, "")), "\n"); got != want {
			t.Errorf("%s: notes %q, want %q", line, got, want)
		}
	}
}

// Of several settings for one key the last counts: /etc/sysctl.conf after all of sysctl.d, as
// with procps, and the kernel command line after that.
func TestSysctlOrder(t *testing.T) {
	c := image(t, files{
		"/usr/lib/sysctl.d/50-default.conf": "kernel.sysrq = 16\nnet.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\nvm.swappiness=60\n-fs.protected_regular = 1\n",
		"/etc/sysctl.d/99-sysctl.conf":      "vm.swappiness=10\nkernel.sysrq=0\n", "/etc/sysctl.conf": "vm.swappiness=10\nkernel.sysrq=0\nfs.protected_regular=0\n",
	}, "sysctl.vm.swappiness=1")
	want := []string{"net/ipv4/conf/*/rp_filter=2", "-net/ipv4/conf/all/rp_filter", "kernel/sysrq=0", "fs/protected_regular=0", "vm/swappiness=1"}
	if got := c.Kernel.Sysctl; !reflect.DeepEqual(got, want) || c.Notes != nil {
		t.Errorf("got %q, want %q; notes %q", got, want, notes(c))
	}
}

// An fstab's mounts that need a program, or a network that is not there yet, are told of.
func TestFstabHelped(t *testing.T) {
	c := image(t, files{fstabPath: "//srv/a /a cifs user=x,_netdev\nu@h:/b /b fuse.sshfs\nsshfs#u@h:/c /c fuse _netdev\nh:/d /d nfs4\n/dev/sda1 /e ext4 _netdev\n"}, "")
	const server = " is mounted with the others, before the network is there, and without the program that mount(8) has for it; want a [[service]] that mounts it"
	const program = " is mounted by a program, which is not run here; want a [[service]] that runs it"
	want := []string{
		`mount: "cifs" of /a` + server, `mount: "fuse.sshfs" of /b` + program, `mount: "fuse" of /c` + program, `mount: "nfs4" of /d` + server,
		"mount: _netdev of /e is without effect yet: it is mounted with the others, before the network is there",
	}
	if got := notes(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestImage(t *testing.T) {
	c := image(t, files{
		"/etc/modules-load.d/gpio.conf":     "# why\ngpio-pca953x\nleds_gpio\n",
		"/usr/lib/modules-load.d/gpio.conf": "hidden\n",
		"/usr/lib/modules-load.d/net.conf":  "virtio_net\n; no\n",
		"/etc/modules":                      "i2c-dev\n",
		"/etc/modprobe.d/a.conf":            "options virtio-net napi_tx=1 \\\n  csum=0\nblacklist pcspkr\ninstall bad /bin/true\nsoftdep  a pre: b\nalias usb:v1* a\nweakdep a c\n",
		"/etc/sysctl.conf":                  "vm.swappiness=10\n",
		"/etc/sysctl.d/10-net.conf":         "net.ipv4.conf.eth0/100.rp_filter = 1\n-kernel.foo = 2\nnet/core/somaxconn=128\nnonsense\n",
		"/etc/sysctl.d/README":              "vm.dirty_ratio=1\n",
		Path:                                "[kernel]\nmodules = [\"leds-gpio\", \"loop\"]\n",
	}, "virtio_net.napi_tx=0 modules_load=tun,dummy sysctl.kernel.panic=5 quiet usbcore.autosuspend=-1 snd.x=\"a b\"")
	if want := []string{"leds-gpio", "loop", "gpio-pca953x", "virtio_net", "i2c-dev", "tun", "dummy"}; !reflect.DeepEqual(c.Kernel.Modules, want) {
		t.Errorf("modules: got %q, want %q", c.Kernel.Modules, want)
	}
	if want := map[string]string{"virtio_net": "napi_tx=1    csum=0 napi_tx=0", "usbcore": "autosuspend=-1", "snd": `x="a b"`}; !reflect.DeepEqual(c.Kernel.ModuleOptions, want) {
		t.Errorf("options: got %q, want %q", c.Kernel.ModuleOptions, want)
	}
	if want := []string{"softdep a pre: b", "alias usb:v1* a"}; !reflect.DeepEqual(c.Kernel.ModuleLines, want) {
		t.Errorf("lines: got %q, want %q", c.Kernel.ModuleLines, want)
	}
	if want := []string{"net/ipv4/conf/eth0.100/rp_filter=1", "-kernel/foo=2", "net/core/somaxconn=128", "vm/swappiness=10", "kernel/panic=5"}; !reflect.DeepEqual(c.Kernel.Sysctl, want) {
		t.Errorf("sysctl: got %q, want %q", c.Kernel.Sysctl, want)
	}
	if want := []string{`sysctl.d: "nonsense" is without effect; want KEY = VALUE, such as vm.swappiness = 10`}; !reflect.DeepEqual(notes(c), want) || c.Problems != nil || !reflect.DeepEqual(c.Kernel.Blacklist, []string{"pcspkr", "bad"}) {
		t.Errorf("notes %q, problems %q, blacklist %q", notes(c), problems(c), c.Kernel.Blacklist)
	}
}

// Lines of modprobe.d and sysctl.d that are not done are named, each with what it is.
func TestImageLines(t *testing.T) {
	for _, c := range []struct{ file, line, note string }{
		{"modprobe.d", "install usb-storage /bin/false", ""},
		{"modprobe.d", "install cramfs /usr/bin/true", ""},
		{"modprobe.d", "install x :", ""},
		{"modprobe.d", "softdep a pre: b", ""},
		{"modprobe.d", "weakdep a b", ""},
		{"modprobe.d", "alias wlan0 foo", ""},
		{"modprobe.d", "install wifi /sbin/modprobe --ignore-install wifi; /usr/bin/fw", `"install wifi" is without effect: no program is run for a module; want release.run_once`},
		{"modprobe.d", "remove wifi /bin/x", `"remove wifi" is without effect: no program`},
		{"modprobe.d", "options", `"options" is without effect: it is no line of modprobe.d(5)`},
		{"modprobe.d", "blacklist a/b", `"blacklist a/b" is without effect: it is no line`},
		{"modprobe.d", "nonsense", `"nonsense" is without effect: it is no line`},
		{"modules-load.d", "i2c-dev", ""},
		{"modules-load.d", "i2c-dev bus=1", ""},
		{"modules-load.d", "foo bar", `"foo bar" is without effect; want the name of a module a line`},
		{"modules-load.d", "../x", `"../x" is without effect`},
		{"sysctl.d", "vm.swappiness 10", `"vm.swappiness 10" is without effect; want KEY = VALUE`},
		{"sysctl.d", "= 3", `"= 3" is without effect`},
		{"sysctl.d", "-net.ipv4.conf.all.rp_filter", ""},
		{"sysctl.d", "-a b", "is without effect"},
		{"sysctl.d", "../../etc/x = 3", "is without effect"},
		{"sysctl.d", "kernel.core_pattern=|/bin/x %p=1", ""},
	} {
		got := image(t, files{"/etc/" + c.file + "/a.conf": c.line + "\n"}, "")
		if n := strings.Join(notes(got), "\n"); !strings.Contains(n, c.note) || (c.note == "") != (n == "") {
			t.Errorf("%s: %q: notes %q, want %q", c.file, c.line, n, c.note)
		}
	}
	for _, line := range []string{"S0:12345:respawn:/sbin/getty 115200 ttyS0", "::sysinit:/etc/init.d/rcS", "::askfirst:-/bin/sh", "l5:5:wait:/etc/init.d/rc 5"} {
		if n := notes(image(t, files{"/etc/inittab": line + "\n"}, "")); len(n) != 1 || !strings.Contains(n[0], "/etc/inittab; want [[service]]") {
			t.Errorf("inittab: %q: notes %q", line, n)
		}
	}
	for _, line := range []string{"id:5:initdefault:", "::ctrlaltdel:/sbin/reboot", "::shutdown:/bin/umount -a -r"} {
		if n := notes(image(t, files{"/etc/inittab": line + "\n"}, "")); n != nil {
			t.Errorf("inittab: %q: notes %q", line, n)
		}
	}
	with := image(t, files{"/etc/modules": "i2c-dev bus=1\n"}, "")
	if !reflect.DeepEqual(with.Kernel.Modules, []string{"i2c-dev"}) || with.Kernel.ModuleOptions["i2c_dev"] != "bus=1" {
		t.Errorf("a module with an option: %q, %q", with.Kernel.Modules, with.Kernel.ModuleOptions)
	}
}

// The mark at the beginning of a file that was written elsewhere is no part of its first line.
func TestByteOrderMark(t *testing.T) {
	for path, text := range map[string]string{
		Path: "[node]\nhostname = \"a\"\n", ErlinitPath: "--hostname-pattern a\n", EtcHostnamePath: "a\n",
	} {
		if c := image(t, files{path: "\uFEFF" + text}, ""); c.Node.Hostname != "a" || c.Problems != nil {
			t.Errorf("%s: the host name is %q, problems %q", path, c.Node.Hostname, problems(c))
		}
	}
	c := image(t, files{fstabPath: "\uFEFF/dev/vdb /data ext4 defaults 0 2\n", "/etc/modules": "\uFEFFloop\n"}, "")
	if len(c.Mounts) != 1 || c.Mounts[0].Source != "/dev/vdb" || !reflect.DeepEqual(c.Kernel.Modules, []string{"loop"}) || notes(c) != nil {
		t.Errorf("mounts %+v, modules %q, notes %q", c.Mounts, c.Kernel.Modules, notes(c))
	}
}

// A module of the image that modprobe.d or the kernel command line bars is left out, and named;
// kernel.modules has it all the same.
func TestBarredModules(t *testing.T) {
	for _, w := range []struct{ modprobe, cmdline string }{
		{"install usb-storage /bin/false\n", ""}, {"blacklist usb_storage\n", ""}, {"", "modprobe.blacklist=pcspkr,usb-storage"}, {"", "rd.driver.blacklist=usb-storage"},
	} {
		brings := files{"/etc/modprobe.d/a.conf": w.modprobe, "/etc/modules": "usb_storage\nloop\n"}
		c := image(t, brings, w.cmdline)
		if n := notes(c); !reflect.DeepEqual(c.Kernel.Modules, []string{"loop"}) || len(n) != 1 || !strings.Contains(n[0], "usb_storage is not loaded: blacklist, install or modprobe.blacklist= bars it") || c.Kernel.ModuleOptions["modprobe"] != "" {
			t.Errorf("%+v: modules %q, notes %q, options %q", w, c.Kernel.Modules, n, c.Kernel.ModuleOptions)
		}
		brings[Path] = "[kernel]\nmodules = [\"usb-storage\"]\n"
		if c := image(t, brings, w.cmdline); !reflect.DeepEqual(c.Kernel.Modules, []string{"usb-storage", "loop"}) || notes(c) != nil {
			t.Errorf("%+v: wanted, it is in %q, notes %q", w, c.Kernel.Modules, notes(c))
		}
	}
}

func FuzzImage(f *testing.F) {
	f.Add(fstab, "options a b=1\nblacklist c\ninstall d e\n", "a.b = 1\n-a/b=2\n*.c=3\n")
	f.Add("a b c d e f\n\\040 /\\011 swap", "options", "=\n..=1\n")
	f.Fuzz(func(t *testing.T, fstab, modprobe, sysctl string) {
		c := image(t, files{fstabPath: fstab, "/etc/modprobe.d/a.conf": modprobe, "/etc/sysctl.d/a.conf": sysctl, "/etc/modules-load.d/a.conf": modprobe}, "")
		for _, m := range c.Kernel.Modules {
			if !isModule(m) {
				t.Errorf("module %q", m)
			}
		}
		for _, s := range c.Kernel.Sysctl {
			if name, _, _ := strings.Cut(s, "="); strings.Contains(name, "..") || !printable(s) {
				t.Errorf("sysctl %q", s)
			}
		}
	})
}

// TestTmpfiles: lines as Yocto's packages have them, and what there is to say of others.
func TestTmpfiles(t *testing.T) {
	for _, c := range []struct{ line, want, note string }{
		{"d /var/lib/app 0750 app app -", "d /var/lib/app 0750 app app", ""},
		{"d\t/run/lock   1777 root root 10d", "d /run/lock 1777 root root", ""},
		{"D! %t/app - - -", "D /run/app - - -", ""},
		{"v /var/tmp 1777", "d /var/tmp 1777 - -", ""},
		{"f /run/utmp 0664 root utmp - hello\\nworld", "f /run/utmp 0664 root utmp hello\nworld", ""},
		{"f+ /run/x - - - - a  b", "F /run/x - - - a  b", ""},
		{"L /etc/localtime - - - - ../usr/share/zoneinfo/UTC", "L /etc/localtime - - - ../usr/share/zoneinfo/UTC", ""},
		{"L+ /etc/mtab - - - - ../proc/self/mounts", "L+ /etc/mtab - - - ../proc/self/mounts", ""},
		{"C /etc/pam.d", "C /etc/pam.d - - - /usr/share/factory/etc/pam.d", ""},
		{"z /dev/kvm 0666 - kvm", "z /dev/kvm 0666 - kvm", ""},
		{"d /a~ ~0700 :app :app", "d /a~ 0700 app app", ""},
		{"d relative 0755", "", ""},
		{"p /run/fifo 0600", "", `without effect: "p /run/fifo 0600"; only d, D`},
		{"z /run/*/x 0600", "", "without effect: "},
		{"d /run/%m 0700", "", "without effect: "},
		{"d /run/x 9999", "", "without effect: "},
		{`d "/run/a b" 0700`, "", "without effect: "},
		{"- /run/x", "", "without effect: "},
		{"d", "", ""},
		{"x /var/lib/app/keep", "", ""},
		{"e /var/lib/app 0750 app", "z /var/lib/app 0750 app -", ""},
		{"e /var/cache/app - - - 3d", "z /var/cache/app - - -", "nothing is removed because it is old, of /var/cache/app"},
		{"r! /data/app.lock", "r /data/app.lock - - -", ""},
		{"w /sys/class/leds/act/trigger - - - - none", "w /sys/class/leds/act/trigger - - - none", ""},
		{"w /etc/issue - - - - x", "", `without effect: "w /etc/issue - - - - x"`},
		{"w+ /proc/x - - - - x", "", "without effect: "},
		{"X /var/lib/app", "", ""},
		{"d /var/log/app 0755 app app 7d", "d /var/log/app 0755 app app", "nothing is removed because it is old, of /var/log/app; want a [[service]] that does it"},
		{"d /tmp/app 0755 - - 1d", "d /tmp/app 0755 - -", ""},
	} {
		got := image(t, files{"/usr/lib/tmpfiles.d/app.conf": "# a comment\n" + c.line + "\n"}, "")
		told := ""
		for _, f := range got.Tmpfiles {
			told += f.String()
		}
		if n := strings.Join(notes(got), "\n"); told != c.want || !strings.Contains(n, c.note) || (c.note == "") != (n == "") {
			t.Errorf("%q: got %q, want %q; notes %q", c.line, told, c.want, n)
		}
	}
	// A file of /etc hides that of its name, and the first line of a path counts.
	c := image(t, files{"/usr/lib/tmpfiles.d/a.conf": "d /run/a 0700\n", "/etc/tmpfiles.d/a.conf": "d /run/a 0755\n", "/usr/lib/tmpfiles.d/b.conf": "d /run/a 0711\nd /run/b\n"}, "")
	if len(c.Tmpfiles) != 2 || c.Tmpfiles[0].Mode != 0o755 || c.Tmpfiles[1].Path != "/run/b" {
		t.Errorf("got %v", c.Tmpfiles)
	}
}

// What is not done stands in one note, and what systemd brings for itself in none.
func TestTmpfilesNotes(t *testing.T) {
	const rest = "; only d, D, v, e, f, F, L, C, r, z, and w in /sys and /proc, are done, without patterns and quotes, and of specifiers %t, %T, %V, %S, %C, %L, %h and %%; want release.run_once for the rest"
	c := image(t, files{
		"/usr/lib/tmpfiles.d/systemd-tmp.conf": "x /tmp/systemd-private-%b-*\nR! /tmp/systemd-private-*\n", "/usr/lib/tmpfiles.d/tmp.conf": "q /var/tmp 1777 root root 30d\n",
		"/usr/lib/tmpfiles.d/x11.conf": "r! /tmp/.X[0-9]*-lock\nd /tmp/.X11-unix 1777 root root 10d\n", "/lib/tmpfiles.d/provision.conf": "f^ /etc/issue.d/a - - - - b\n",
		"/etc/tmpfiles.d/var.conf": "R /data/cache\n", "/usr/lib/tmpfiles.d/app.conf": "e /var/lib/app/* - - - 14d\nr /data/*.lock\n",
	}, "")
	want := []string{`tmpfiles.d: without effect: "e /var/lib/app/* - - - 14d", "r /data/*.lock", "R /data/cache"` + rest}
	if got := notes(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	c = image(t, files{"/etc/tmpfiles.d/a.conf": strings.Repeat("p /a\n", 23)}, "")
	if got := notes(c); len(got) != 1 || !strings.Contains(got[0], `"p /a" and 3 others; only`) {
		t.Errorf("of many: %q", got)
	}
}

// The files by which the init scripts of Yocto make what is not on the root say what those of
// tmpfiles.d say.
func TestVolatiles(t *testing.T) {
	c := image(t, files{
		"/etc/default/volatiles/00_core": "# type owner group mode path target\nd root root 1777 /run/lock none\nl root root 1777 /var/lock /run/lock\nf root utmp 0664 /run/utmp none\n" +
			"l root root 0644 /etc/resolv.conf /run/resolv.conf\nf root root 0644 /run/resolv.conf none\n\nshort\n",
		"/etc/default/volatiles/99_app": "d app app 0750 /var/log/app none\nb root root 0755 /x /y\n",
		"/usr/lib/tmpfiles.d/app.conf":  "d /run/lock 0755\n",
	}, "")
	got := ""
	for _, f := range c.Tmpfiles {
		got += f.String() + "\n"
	}
	const want = "d /run/lock 0755 - -\nL /var/lock - - - /run/lock\nf /run/utmp 0664 root utmp\nd /var/log/app 0750 app app\n"
	if n := strings.Join(notes(c), "\n"); got != want || !strings.Contains(n, `without effect: "b /x 0755 root root"; only`) {
		t.Errorf("got\n%swant\n%snotes %s", got, want, n)
	}
}

// Users that somebody else would make are named where the image has them not.
func TestSysusers(t *testing.T) {
	c := image(t, files{
		"/usr/lib/sysusers.d/app.conf": "u app - \"An app\" /var/lib/app\nu! root 0\ng dialout -\ng gpio -\nm app gpio\nu mosq 12\nr - 1-2\n", "/usr/lib/sysusers.d/basic.conf": "u nobody 65534\n",
		"/usr/lib/sysusers.d/systemd-network.conf": "u! systemd-network\n",
		"/etc/passwd": "root:x:0:0::/:\napp:x:1:1::/:\n", "/etc/group": "dialout:x:20:\n",
	}, "")
	want := []string{"image: users of sysusers.d brought by the image, without effect here: gpio, mosq; want them in /etc/passwd and /etc/group of the image"}
	if got := notes(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzTmpfiles: of a line nothing is made that is not absolute, and none stops the rest.
func FuzzTmpfiles(f *testing.F) {
	f.Add("d /run/app 0755 app app 10d -")
	f.Add("L+ %t/x - - - - \\x20")
	f.Add("-")
	f.Fuzz(func(t *testing.T, line string) {
		c := image(t, files{"/etc/tmpfiles.d/a.conf": line + "\nd /run/last 0700\n"}, "")
		for _, f := range c.Tmpfiles {
			if !strings.HasPrefix(f.Path, "/") || f.Mode > 0o7777 {
				t.Errorf("%q: %s", line, f)
			}
		}
		// A backslash at the end of the line makes one of both.
		if n := len(c.Tmpfiles); !strings.HasSuffix(line, `\`) && len(line) < 1<<10 && (n == 0 || c.Tmpfiles[n-1].Path != "/run/last") && n < maxTmpfiles && !strings.Contains(line, "/run/last") {
			t.Errorf("%q takes the next line along: %v", line, c.Tmpfiles)
		}
	})
}
