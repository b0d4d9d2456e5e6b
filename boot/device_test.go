package boot

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
)

// devices makes a /dev of its own, and a /sys/class/block with a disk of one
// partition as the kernel shows it, and as many nodes as are asked for.
func devices(t *testing.T, nodes ...string) {
	t.Helper()
	nstest.Must(t, unix.Mount("tmpfs", "/dev", "tmpfs", 0, ""))
	nstest.Must(t, unix.Mount("tmpfs", "/sys/class/block", "tmpfs", 0, ""))
	nstest.Must(t, unix.Mount("tmpfs", "/sys/block", "tmpfs", 0, ""))
	nstest.Must(t, unix.Mount("tmpfs", "/sys/dev/block", "tmpfs", 0, ""))
	for name, text := range map[string]string{
		"class/block/vdz":  "MAJOR=259\nMINOR=0\nDEVNAME=vdz\nDEVTYPE=disk\n",
		"class/block/vdz1": "MAJOR=259\nMINOR=1\nDEVNAME=vdz1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=data\n",
		"block/vdz":        "MAJOR=259\nMINOR=0\nDEVNAME=vdz\nDEVTYPE=disk\n",
		"block/vdz/vdz1":   "MAJOR=259\nMINOR=1\nDEVNAME=vdz1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=data\n",
		"class/block/ram0": "MAJOR=1\nMINOR=0\nDEVNAME=ram0\n",
		"dev/block/259:1":  "MAJOR=259\nMINOR=1\nDEVNAME=vdz1\n",
	} {
		nstest.Must(t, os.MkdirAll("/sys/"+name, 0o755))
		nstest.Must(t, os.WriteFile("/sys/"+name+"/uevent", []byte(text), 0o644))
	}
	nstest.Must(t, os.WriteFile("/dev/vdz", mbrDisk(0x0fc63daf), 0o600))
	for _, n := range nodes {
		nstest.Must(t, unix.Mknod("/dev/"+n, unix.S_IFBLK|0o600, int(unix.Mkdev(259, 1))))
	}
}

func TestResolveRoot(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		devices(t, "vdz1")
		nstest.Must(t, os.WriteFile("/dev/file", nil, 0o600))
		disk, err := os.OpenFile("/dev/vdz", os.O_WRONLY, 0)
		nstest.Must(t, err)
		for at, text := range map[int64]string{1024 + 56: "\x53\xef", 1024 + 120: "the root\x00",
			1024 + 104: "\x8f\x2c\x1d\x0e\x12\x34\x4a\xbc\x9d\xef\x00\x11\x22\x33\xaa\xbb"} { // an ext4's
			_, err := disk.WriteAt([]byte(text), at)
			nstest.Must(t, err)
		}
		nstest.Must(t, disk.Truncate(1<<20))
		nstest.Must(t, disk.Close())
		for _, c := range []struct{ name, want, err string }{
			{"/dev/vdz1", "/dev/vdz1", ""},
			{"PARTUUID=0FC63DAF-01", "/dev/vdz1", ""},
			{"PARTLABEL=data", "/dev/vdz1", ""},
			{"259:1", "/dev/vdz1", ""},
			{"/dev/vdy", "", "/dev/vdy: no such block device"},
			{"PARTUUID=0fc63daf-02", "", "PARTUUID=0fc63daf-02: no such block device"},
			{"PARTLABEL=", "", `"PARTLABEL=" names no block device`},
			{"259:2", "", "259:2: no such block device"},
			{"/dev/disk/by-partlabel/data", "/dev/vdz1", ""},
			{"/dev/disk/by-partuuid/0fc63daf-01", "/dev/vdz1", ""},
			{"UUID=1234", "", "UUID=1234: no such block device"},
			{"UUID=", "", `"UUID=" names no block device`},
			{"/dev/disk/by-id/nvme-1", "", "such links are made by udev, which is not there: use UUID="},
			// It is found, and is a file here: to have a block device takes a driver.
			{"LABEL=the root", "", "LABEL=the root: block device required"},
			{`/dev/disk/by-label/the\x20root`, "", "block device required"},
			{"UUID=8F2C1D0E-1234-4abc-9def-00112233aabb", "", "block device required"},
			{"LABEL=the", "", "LABEL=the: no such block device"},
			{"PARTUUID=1/PARTNROFF=1", "", "PARTNROFF is not supported"},
			{"/dev/file", "", "/dev/file: block device required"},
			{"/dev/nfs", "", "NFS"},
			{"vda", "", "it must be /dev/NAME, UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or MAJOR:MINOR"},
			{"", "", "it must be"},
			{"../..:1", "", "it must be"},
		} {
			got, err := resolveRoot(c.name)
			if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: got %q, %v; want %q, %q", c.name, got, err, c.want, c.err)
			}
		}
	})
}

func TestWaitDevice(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		devices(t)
		start := time.Now()
		_, err := waitDevice("PARTUUID=0fc63daf-01", 100*time.Millisecond, nil)
		if want := "PARTUUID=0fc63daf-01: no such block device after 100ms; there are: "; err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, NoDevice) {
			t.Errorf("got %v, want %q", err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "ram0") || !strings.Contains(err.Error(), "/dev/vdz1 (PARTUUID=0fc63daf-01)")) {
			t.Errorf("the list of devices is wrong: %v", err)
		}
		if took := time.Since(start); took < 100*time.Millisecond || took > nstest.Patience {
			t.Errorf("it waited for %v", took)
		}
		asked := 0
		_, err = waitDevice("/dev/vdz1", -1, func() bool { asked++; return asked == 2 })
		if !errors.Is(err, Interrupted) {
			t.Errorf("interrupted: got %v", err)
		}
		if _, err := waitDevice("UUID=", -1, nil); err == nil || errors.Is(err, NoDevice) {
			t.Errorf("a form that never resolves: got %v", err)
		}
		made := make(chan error, 1)
		go func() {
			time.Sleep(50 * time.Millisecond)
			made <- unix.Mknod("/dev/vdz1", unix.S_IFBLK|0o600, int(unix.Mkdev(259, 1)))
		}()
		got, err := waitDevice("PARTUUID=0fc63daf-01", nstest.Patience, nil)
		nstest.Must(t, <-made)
		if got != "/dev/vdz1" || err != nil {
			t.Errorf("got %q, %v; want /dev/vdz1", got, err)
		}
	})
}

// The kernel's news must wake the wait, not the end of its time: a change of a
// real device sends one when its uevent file is written.
func TestUeventWakes(t *testing.T) {
	fd, err := ueventSocket()
	nstest.Must(t, err)
	defer unix.Close(fd)
	var device string
	for _, name := range readDir("/sys/class/block") {
		if strings.HasPrefix(name, "loop") {
			device = name
		}
	}
	if device == "" {
		t.Skip("no loop device on this machine")
	}
	if err := os.WriteFile("/sys/class/block/"+device+"/uevent", []byte("change"), 0); err != nil {
		t.Skipf("no uevent can be asked for: %v", err)
	}
	start := time.Now()
	awaitNews(fd, 2*nstest.Patience)
	if took := time.Since(start); took > nstest.Patience {
		t.Errorf("no event woke it in %v", took)
	}
}

func TestBlockDevicesNone(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		nstest.Must(t, unix.Mount("tmpfs", "/sys", "tmpfs", 0, ""))
		_, err := waitDevice("/dev/vdz1", 0, nil)
		if err == nil || !strings.Contains(err.Error(), "no block device is there at all") {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzUeventValue(f *testing.F) {
	f.Add([]byte("MAJOR=259\nDEVNAME=vda1\nPARTUUID=x\n"), "DEVNAME=")
	f.Add([]byte("DEVNAME="), "DEVNAME=")
	f.Fuzz(func(t *testing.T, text []byte, key string) {
		got := ueventValue(text, key)
		if strings.Contains(got, "\n") || got != "" && !strings.Contains(string(text), key+got) {
			t.Errorf("%q of %q is %q", key, text, got)
		}
	})
}

// A root= that nobody ever finds is told of before it is booted.
func TestRootProblems(t *testing.T) {
	for device, want := range map[string]string{
		"": "", "/dev/vda2": "", "UUID=1-2": "", "PARTUUID=11-02": "", "PARTLABEL=root": "", "179:2": "", "/dev/disk/by-uuid/1-2": "",
		"/dev/nfs": "", "nfs4:10.0.0.1:/root": "", "ubi0:root": "", "mtd3": "",
		"0802": "", "PARTUUID=1-2/PARTNROFF=1": "", "live:LABEL=x": "", "zfs:AUTO": "",
		"mmcblk0p2":               `root="mmcblk0p2" names no block device: it must be /dev/NAME, UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or MAJOR:MINOR`,
		"/dev/disk/by-id/mmc-x":   "root=/dev/disk/by-id/mmc-x: such links are made by udev, which is not there: use UUID=, LABEL=, PARTUUID=, PARTLABEL= or /dev/NAME",
		"/dev/disk/by-path/pci-0": "root=/dev/disk/by-path/pci-0: such links are made by udev, which is not there: use UUID=, LABEL=, PARTUUID=, PARTLABEL= or /dev/NAME",
		"gpt-auto":                `root="gpt-auto" names no block device: it must be /dev/NAME, UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or MAJOR:MINOR`,
	} {
		got := texts(RootProblems(&config.Root{Device: device}))
		if got != want {
			t.Errorf("%s: got %q, want %q", device, got, want)
		}
	}
	if got := texts(RootProblems(&config.Root{Device: "/dev/dm-0", Map: "a,,,ro,0 x zero"})); got != `dm-mod.create=: "0 x zero": 0 x are no sectors` {
		t.Errorf("of a table that is none: %q", got)
	}
	if errs := RootProblems(&config.Root{Device: "rootfs", Type: "virtiofs"}); errs != nil {
		t.Errorf("of a tag of virtiofs: %v", errs)
	}
}
