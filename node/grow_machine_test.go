package node_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/internal/proc"
	"golang.org/x/sys/unix"
)

// A growable is a disk in an image, with a partition in which a file system is.
type growable struct {
	t      *testing.T
	image  string
	sector int
	disk   string // its loop device
	part   string // and that of the partition
}

// sh runs a script with the arguments as $1 and so on.
func (g *growable) sh(script string, args ...string) string {
	g.t.Helper()
	cmd := exec.Command("sh", append([]string{"-ec", script, "sh"}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		g.t.Fatalf("%s: %v: %s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// attach makes the image a disk, with the partitions that its table has.
func (g *growable) attach(number int) {
	g.t.Helper()
	g.disk = g.sh(`losetup -P -b "$1" -f --show "$2"`, strconv.Itoa(g.sector), g.image)
	g.sh(`partx -u --nr "$2" "$1"`, g.disk, strconv.Itoa(number)) // a kernel without CONFIG_EFI_PARTITION has none
	g.part = g.disk + "p" + strconv.Itoa(number)
}

// detach waits until nobody has it any more, as the number may be another's then.
func (g *growable) detach() {
	g.t.Helper()
	g.sh(`losetup -d "$1"`, g.disk)
	g.disk = ""
	for end := time.Now().Add(nstest.Patience); g.sh(`losetup -j "$1"`, g.image) != ""; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatal("the loop device stays busy")
		}
	}
}

// newGrowable makes one of the size given in MiB, of which the table, a script for fdisk with its
// lines as words, uses some; script makes what is in the partition of that number, $1. Then the disk is four
// times as large.
func newGrowable(t *testing.T, mib, sector, number int, table, script string) *growable {
	t.Helper()
	g := &growable{t: t, image: filepath.Join(t.TempDir(), "image"), sector: sector}
	t.Cleanup(func() {
		if g.disk != "" {
			exec.Command("losetup", "-d", g.disk).Run()
		}
	})
	g.sh(`truncate -s "$2"M "$1"; echo "$4" | tr ' ' '\n' | fdisk -b "$3" "$1"`, g.image, strconv.Itoa(mib), strconv.Itoa(sector), table)
	g.attach(number)
	g.sh(script, g.part)
	g.detach()
	g.sh(`truncate -s "$2"M "$1"`, g.image, strconv.Itoa(4*mib))
	return g
}

// size is how large the partition is to the kernel, in MiB.
func (g *growable) size() int {
	g.t.Helper()
	b, err := os.ReadFile("/sys/class/block/" + filepath.Base(g.part) + "/size")
	if err != nil {
		g.t.Fatal(err)
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return n >> 11
}

// boot starts a node with it as /dev/disk0, on /data.
func (g *growable) boot(toml string) *machine.Machine {
	g.t.Helper()
	s := withTools(g.part, toml)
	s.TTYs[filepath.Base(g.disk)] = g.disk
	m := machine.Start(g.t, s)
	m.State(health.Rescue, 0)
	return m
}

// canGrow says that a file system that is mounted can grow here: ext4 wants a capability that the
// machine that tests may lack. Virtual machines have it (qemu/e2e).
func canGrow(fs string) bool {
	return !strings.HasPrefix(fs, "ext") || proc.Permitted(unix.CAP_SYS_RESOURCE)
}

// there is how large the file system on /data is, in MiB, and what is in its file.
func there(m *machine.Machine) (mib int, file string) {
	data := fmt.Sprintf("/proc/%d/root/data", m.PID())
	var st unix.Statfs_t
	if err := unix.Statfs(data, &st); err == nil {
		mib = int(int64(st.Blocks) * int64(st.Bsize) >> 20)
	}
	b, _ := os.ReadFile(data + "/mine")
	return mib, string(b)
}

const (
	mounted  = `; d=$(mktemp -d); unshare -m sh -ec 'mount "$1" "$2"; echo mine >"$2/mine"; umount "$2"' sh "$1" "$d"; rmdir "$d"`
	growExt4 = `mkfs.ext4 -q -F "$1"` + mounted
	gpt      = "g n 1  +%dM w"
	twoOfGPT = "g n 1  +1M n 2  +%dM w"
)

// The partition and its file system grow to the end of a disk that is larger than the image, what
// is in it is kept, and the next boot has nothing to do.
func TestGrow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                string
		mib, sector, number int
		table, script, fs   string
	}{
		{"ext4", 16, 512, 1, gpt, growExt4, "ext4"},
		{"ext4, MBR", 16, 512, 1, "o n p 1  +%dM w", growExt4, "ext4"},
		{"ext4, sectors of 4096, the second one", 16, 4096, 2, twoOfGPT, growExt4, "ext4"},
		{"ext2", 16, 512, 1, gpt, `mkfs.ext2 -q -F "$1"` + mounted, "ext2"},
		{"btrfs", 200, 512, 2, twoOfGPT, `mkfs.btrfs -q "$1"` + mounted, "btrfs"},
		{"xfs", 400, 512, 1, gpt, `mkfs.xfs -q "$1"` + mounted, "xfs"},
		{"f2fs", 100, 512, 1, gpt, `mkfs.f2fs -q "$1"`, "f2fs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			small := tt.mib * 3 / 4
			g := newGrowable(t, tt.mib, tt.sector, tt.number, fmt.Sprintf(tt.table, small), tt.script)
			toml := mountOf(tt.fs, "grow = true\ncheck = true")
			g.attach(tt.number)
			m := g.boot(toml)
			m.Line("/dev/disk0: the partition has grown to the end of " + g.disk + ", from " + strconv.Itoa(small) + " MiB to ")
			kind := strings.Replace(tt.fs, "ext2", "ext4", 1)
			grows := canGrow(tt.fs)
			if grows {
				m.Line("/dev/disk0: the " + kind + " for /data has grown from ")
			} else {
				m.Line("/dev/disk0: the " + kind + " for /data has not grown: resize2fs: exit status 1; it is used as it is, and tried again at the next boot")
			}
			if size := g.size(); size < tt.mib*4-3 {
				t.Errorf("the partition has %d MiB of %d\n%s", size, tt.mib*4, m.Tail())
			}
			if size, file := there(m); known(t, toml) && (grows && size < tt.mib*3 || file != "mine\n") {
				t.Errorf("the file system has %d MiB, of %d, the file %q\n%s", size, tt.mib*4, file, m.Tail())
			}
			if tt.fs == "ext4" {
				m.Eventually("remember it", func() bool {
					out, _ := m.Ask("history")
					return strings.Contains(out, "the partition has grown to the end of ") && strings.Contains(out, "the ext4 for /data has ")
				})
			}
			m.Signal(unix.SIGTERM)
			m.Ended()
			g.detach()
			if said := g.sh(`echo "v q" | tr ' ' '\n' | fdisk -b "$2" "$1"`, g.image, strconv.Itoa(tt.sector)); !strings.Contains(said, "No errors detected") && !strings.Contains(said, "unallocated") || strings.Contains(said, "orrupt") {
				t.Errorf("fdisk says %s", said)
			}
			g.attach(tt.number)
			m = g.boot(toml)
			if n := m.Count("grow"); grows && n != 0 {
				t.Errorf("it grows again\n%s", m.Tail())
			}
			if _, file := there(m); known(t, toml) && file != "mine\n" {
				t.Errorf("in the file is %q", file)
			}
		})
	}
}

// What of it cannot be done is said, and what can be mounted is, as it is.
func TestGrowsNot(t *testing.T) {
	t.Parallel()
	const mark = `printf 'beaminit: a file system is being made on this disk\n' | dd of="$1" bs=4096 seek=$(((12*1024*1024-512*1024)/4096)) conv=notrunc status=none; `
	for _, tt := range []struct {
		name           string
		number         int
		table, script  string
		toml           string
		line           string
		least, largest int  // MiB of the partition
		size           int  // and of the file system at least
		mounted        bool // that grows while it is mounted
	}{
		{"not the last one", 1, twoOfGPT, `mkfs.ext2 -q -F "$1"`, mountOf("ext4", "grow = true"),
			"/dev/disk0: the partition does not grow: partition 2 lies behind it; want partition 1 to be the last one on the disk", 1, 1, 0, false},
		{"a logical one", 5, "o n e    n  +%dM w", growExt4, mountOf("ext4", "grow = true"),
			"/dev/disk0: the partition does not grow: partition 5 is a logical one of an MBR, which is not supported; want a primary one, or a GPT", 12, 12, 8, false},
		{"the file system alone", 1, gpt, `mkfs.ext4 -q -F "$1" 4M`, mountOf("ext4", `grow = "filesystem"`),
			"/dev/disk0: the ext4 for /data has grown from 4 MiB to 12 MiB", 12, 12, 8, true},
		{"a placeholder, and remnants behind it", 1, strings.ReplaceAll(gpt, "%d", "1"), `head -c 1M /dev/zero >"$1"`, mountOf("ext4", "grow = true\nformat = \"ext4\""),
			"/dev/disk0 is empty: ext4 is made on it", 60, 63, 50, false},
		{"a formatting that was interrupted", 1, gpt, mark, mountOf("ext4", "grow = true\nformat = \"ext4\""),
			"to be made anew, or its formatting was interrupted", 60, 63, 50, true},
		{"it is mounted read-only", 1, gpt, growExt4, mountOf("ext4", "grow = true\noptions = [\"ro\"]"),
			"the ext4 for /data has not grown: it is mounted read-only", 60, 63, 8, false},
		{"erofs", 1, gpt, `d=$(mktemp -d); mkfs.erofs --quiet "$1" "$d"; rmdir "$d"`, mountOf("auto", "grow = true"), "/dev/disk0: the erofs for /data cannot grow; want ext4, f2fs, btrfs or xfs", 60, 63, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(tt.table, "%d") {
				tt.table = fmt.Sprintf(tt.table, 12)
			}
			g := newGrowable(t, 16, 512, tt.number, tt.table, tt.script)
			g.sh(`head -c 40M /dev/urandom | dd of="$1" bs=1M seek=20 conv=notrunc status=none`, g.image)
			g.attach(tt.number)
			m := g.boot(tt.toml)
			grows := canGrow("ext4") || !tt.mounted
			if grows || !strings.Contains(tt.line, " has grown") {
				m.Line(tt.line)
			}
			if size := g.size(); size < tt.least || size > tt.largest {
				t.Errorf("the partition has %d MiB, want %d to %d\n%s", size, tt.least, tt.largest, m.Tail())
			}
			if size, _ := there(m); grows && size < tt.size {
				t.Errorf("the file system has %d MiB, want %d\n%s", size, tt.size, m.Tail())
			}
		})
	}
}

// An image without the program says so, and mounts what it can.
func TestGrowWithoutTool(t *testing.T) {
	t.Parallel()
	g := newGrowable(t, 16, 512, 1, fmt.Sprintf(gpt, 12), growExt4)
	g.attach(1)
	s := withTools(g.part, mountOf("ext4", "grow = true"))
	s.Bind = nil
	s.TTYs[filepath.Base(g.disk)] = g.disk
	m := machine.Start(t, s)
	m.State(health.Rescue, 0)
	m.Line("/dev/disk0: the ext4 for /data has not grown: the image has no resize2fs (package e2fsprogs-resize2fs)")
	if _, file := there(m); file != "mine\n" {
		t.Errorf("in the file is %q\n%s", file, m.Tail())
	}
}

// Where the kernel does not take the new size, because another partition of its is there, that is
// said, and the mount is made as it is; the table has it for the next boot.
func TestGrowRefused(t *testing.T) {
	t.Parallel()
	g := newGrowable(t, 16, 512, 1, fmt.Sprintf(gpt, 12), growExt4)
	g.attach(1)
	g.sh(`addpart "$1" 2 40960 2048`, g.disk)
	m := g.boot(mountOf("ext4", "grow = true"))
	m.Line("/dev/disk0: the partition does not grow: the kernel does not take its new size (BLKPG_RESIZE_PARTITION: device or resource busy): it has it after the next boot")
	if _, file := there(m); file != "mine\n" {
		t.Errorf("in the file is %q\n%s", file, m.Tail())
	}
	m.PowerOff()
	g.detach()
	g.attach(1)
	if size := g.size(); size < 61 {
		t.Errorf("at the next boot it has %d MiB", size)
	}
}

// The power goes at any moment of the boot that grows it: the next one has the data, on the whole disk.
func TestGrowCuts(t *testing.T) {
	t.Parallel()
	for cut := range *formatCuts {
		g := newGrowable(t, 200, 512, 2, fmt.Sprintf(twoOfGPT, 150), `mkfs.btrfs -q "$1"`+mounted)
		toml := mountOf("btrfs", "grow = true")
		g.attach(2)
		s := withTools(g.part, toml)
		s.TTYs[filepath.Base(g.disk)] = g.disk
		first := machine.Start(t, s)
		time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond)
		first.PowerOff()
		g.detach()
		g.attach(2)
		t.Logf("cut %d: the partition has %d MiB", cut, g.size())
		m := g.boot(toml)
		if size, file := there(m); g.size() < 800-3 || known(t, toml) && (size < 800-3 || file != "mine\n") {
			t.Fatalf("cut %d: the partition has %d MiB, the file system %d, the file %q\n%s", cut, g.size(), size, file, m.Tail())
		}
		m.PowerOff()
		g.detach()
	}
}
