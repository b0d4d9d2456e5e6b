package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// What Yocto's base-files brings, and lines of others.
const stockFstab = `# stock fstab
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
	c := loadImage(t, files{fstabPath: stockFstab}, "")
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
		c := loadImage(t, files{fstabPath: "/dev/root / auto " + options + " 1 0\n"}, "")
		if got := strings.Contains(strings.Join(notes(c), "\n"), "the options of / are without effect"); got != told {
			t.Errorf("options %s of the root are told of: %v, want %v", options, got, told)
		}
	}
	// The other sources win, target by target.
	c = loadImage(t, files{fstabPath: stockFstab, Path: "[[mount]]\nsource = \"/dev/vdb\"\ntarget = \"/data\"\ntype = \"ext4\"\n", ErlinitPath: "-m /dev/vdc:/root:ext4::"}, "")
	targets := ""
	for _, m := range c.Mounts {
		targets += m.Target + " " + m.Source + "; "
	}
	if want := "/data /dev/vdb; /var/volatile tmpfs; none /dev/mmcblk0p5; /my disk /dev/mmcblk0p6; /card UUID=12-34; /tmp tmpfs; /dev/shm tmpfs; "; targets != want {
		t.Errorf("got %s, want %s", targets, want)
	}
	c = loadImage(t, files{fstabPath: "a b\n/dev/a data ext4\n/dev/b /b ext4 noatim\n"}, "")
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
		c := loadImage(t, files{fstabPath: line + "\n"}, "")
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
		if got := strings.Join(notes(loadImage(t, files{fstabPath: line + "\n"}, "")), "\n"); got != want {
			t.Errorf("%s: notes %q, want %q", line, got, want)
		}
	}
}

// An fstab's mounts that need a program, or a network that is not there yet, are told of.
func TestFstabHelped(t *testing.T) {
	c := loadImage(t, files{fstabPath: "//srv/a /a cifs user=x,_netdev\nu@h:/b /b fuse.sshfs\nsshfs#u@h:/c /c fuse _netdev\nh:/d /d nfs4\n/dev/sda1 /e ext4 _netdev\n"}, "")
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
