package node_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"golang.org/x/sys/unix"
)

// loopDevice is a block device with what a script, run by sh with the image's path as $1, makes
// of 32 MiB of zeros.
func loopDevice(t *testing.T, script string) (device, image string) {
	t.Helper()
	image = filepath.Join(t.TempDir(), "image")
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("truncate", "-s", "32M", image)
	run("sh", "-ec", script, "sh", image)
	device = run("losetup", "-f", "--show", image)
	t.Cleanup(func() { exec.Command("losetup", "-d", device).Run() })
	return device, image
}

// withTools is a machine that has the programs of Debian, and that device as /dev/disk0.
func withTools(device, toml string) machine.Spec {
	s := machine.Spec{Cmdline: machine.NoNetwork, TOML: toml, TTYs: map[string]string{"disk0": device}, Bind: map[string]string{}, Writable: true}
	for _, dir := range []string{"usr", "lib", "lib64"} {
		if _, err := os.Stat("/" + dir); err == nil {
			s.Bind[dir] = "/" + dir
		}
	}
	return s
}

func mountOf(fs, more string) string {
	return fmt.Sprintf("[[mount]]\nsource = \"/dev/disk0\"\ntarget = \"/data\"\ntype = %q\n%s\n", fs, more)
}

// known says whether the kernel has the file system of the first mount.
func known(t *testing.T, toml string) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(toml, "type = \"")
	fs, _, _ := strings.Cut(rest, "\"")
	return strings.Contains(string(table), "\t"+fs+"\n")
}

// A file system is made where a disk holds nothing, and nowhere else.
func TestFormat(t *testing.T) {
	t.Parallel()
	const begun = `printf 'beaminit: a file system is being made on this disk\n' | dd of="$1" bs=4096 seek=$(((32*1024*1024-512*1024)/4096)) conv=notrunc status=none; `
	const remnant = `head -c 5000 /dev/urandom | dd of="$1" conv=notrunc status=none; `
	const ext4 = `mkfs.ext4 -q -F "$1"; `
	const made = "made ext4 for /data"
	tests := []struct {
		name, script, toml string
		line               string
		mounted, kept      bool // kept: nothing on the disk has changed
	}{
		{"empty", ":", mountOf("ext4", `format = "ext4"`), made, true, false},
		{"empty, f2fs", `truncate -s 64M "$1"`, mountOf("f2fs", `format = "f2fs"`), "made f2fs for /data", true, false},
		{"empty, vfat", ":", mountOf("vfat", `format = "vfat"`), "made vfat for /data", true, false},
		{"erased", `tr '\0' '\377' <"$1" >"$1.new"; mv "$1.new" "$1"`, mountOf("ext4", `format = "ext4"`), made, true, false},
		{"several in turn", ":", mountOf("vfat", `format = "vfat"`) + mountOf("ext4", `format = "ext4"`), "made vfat for /data", true, false},
		{"fstab's words", ":", mountOf("ext4", `options = ["x-systemd.makefs"]`), made, true, false},
		{"there already", ext4, mountOf("ext4", `format = "ext4"`), "state=rescue", true, false},
		{"the other one in turn", ext4, mountOf("vfat", `format = "vfat"`) + mountOf("ext4", `format = "ext4"`), "state=rescue", true, false},
		{"none of them", `mkfs.xfs -q "$1" 2>/dev/null || mkswap -q "$1"`, mountOf("vfat", "") + mountOf("ext4", ""), "/dev/disk0 holds another file system, no ext4", false, true},
		{"another file system", `mkfs.vfat "$1"`, mountOf("ext4", `format = "ext4"`), "no ext4 on it", false, true},
		{"something at the beginning", remnant, mountOf("ext4", `format = "ext4"`), "it is not formatted over", false, true},
		{"something at the end", `printf x | dd of="$1" bs=1 seek=33554431 conv=notrunc status=none`, mountOf("ext4", `format = "ext4"`), "it is not formatted over", false, true},
		{"a partition table", `printf 'EFI PART' | dd of="$1" bs=512 seek=1 conv=notrunc status=none`, mountOf("ext4", `format = "ext4"`), "it is not formatted over", false, true},
		{"LUKS", `printf 'LUKS\272\276\000\002' | dd of="$1" conv=notrunc status=none`, mountOf("ext4", `format = "ext4"`), "it is not formatted over", false, true},
		{"LVM", `printf 'LABELONE' | dd of="$1" bs=512 seek=1 conv=notrunc status=none`, mountOf("ext4", `format = "ext4"`), "it is not formatted over", false, true},
		{"a member of a RAID (1.0)", `printf '\374\116\053\251' | dd of="$1" bs=1024 seek=$((32*1024-8)) conv=notrunc status=none`, mountOf("ext4", `format = "ext4"`), "it is not formatted over", false, true},
		{"noise", `head -c 33554432 /dev/urandom >"$1"`, mountOf("ext4", `format = "ext4"`), "it is not formatted over", false, true},
		{"swap space", `mkswap "$1" 2>/dev/null`, mountOf("ext4", `format = "ext4"`), "mount /dev/disk0 on /data type ext4", false, true},
		{"interrupted", begun + remnant, mountOf("ext4", `format = "ext4"`), "to be made anew, or its formatting was interrupted", true, false},
		{"another file system, and the mark", `mkfs.vfat "$1"; ` + begun, mountOf("ext4", `format = "ext4"`), "no ext4 on it", false, false},
		{"interrupted behind the last write, or a file with the mark in it", ext4 + begun, mountOf("ext4", `format = "ext4"`), "state=rescue", true, false},
		{"not asked for", ":", mountOf("ext4", ""), "no ext4 on it", false, true},
		{"too small", `truncate -s 1M "$1"`, mountOf("ext4", `format = "ext4"`), "too few for a file system", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			device, image := loopDevice(t, tt.script)
			before := sum(t, image)
			m := machine.Start(t, withTools(device, tt.toml))
			r, _ := m.State(health.Rescue, 0)
			m.Line(tt.line)
			mounted := !slices.Contains(r.Warn, "data")
			if mounted != (tt.mounted && (known(t, tt.toml) || tt.script == ext4)) {
				t.Errorf("mounted: %v\n%s", mounted, m.Tail())
			}
			m.Signal(unix.SIGTERM)
			m.Ended()
			if kept := sum(t, image) == before; kept != tt.kept {
				t.Errorf("unchanged: %v, want %v", kept, tt.kept)
			}
			if n := m.Count("made ext4"); n != 0 && strings.HasPrefix(tt.script, ext4) {
				t.Errorf("it is formatted over\n%s", m.Tail())
			}
			if n := m.Count("no vfat on it") + m.Count("holds another"); mounted && n != 0 {
				t.Errorf("a fault is told, where another one in turn fits\n%s", m.Tail())
			}
			if text, _ := os.ReadFile(image); bytes.Contains(text, []byte("a file system is being made on this disk")) {
				t.Error("the mark is left")
			}
			if tt.line == made { // the next boot finds it, and what it remembers
				m := machine.Start(t, withTools(device, tt.toml))
				m.State(health.Rescue, 0)
				if n := m.Count("is made on it"); n != 0 {
					t.Errorf("it was made again\n%s", m.Tail())
				}
				m.Eventually("remember it", func() bool {
					out, _ := m.Ask("history")
					return strings.Contains(out, made)
				})
			}
		})
	}
}

func sum(t *testing.T, path string) [32]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}

// A file system is checked before it is mounted, and what came of that is said.
func TestCheckFileSystem(t *testing.T) {
	t.Parallel()
	const ext4 = `mkfs.ext4 -q -F "$1"; `
	const flagged = `tune2fs -E force_fsck "$1"`
	for _, tt := range []struct {
		name, script, toml string
		line               string
		mounted            bool
	}{
		{"clean", ext4, mountOf("ext4", "check = true"), "e2fsck: /dev/disk0: clean, ", true},
		{"with its error flag", ext4 + flagged, mountOf("ext4", "check = true"), "contains a file system with errors, check forced", true},
		{"with small errors", ext4 + flagged + `; debugfs -w -R "ssv free_blocks_count 7" "$1"`, mountOf("ext4", "check = true"), "/dev/disk0: e2fsck has mended errors (exit status 1)", true},
		{"damaged", ext4 + `debugfs -w -R "clri <2>" "$1"; ` + flagged, mountOf("ext4", "check = true"), "/dev/disk0 has errors; want e2fsck -y /dev/disk0, by hand", false},
		{"damaged, and marked clean", ext4 + `debugfs -w -R "clri <2>" "$1"`, mountOf("ext4", "check = true"), "/dev/disk0 has errors; want e2fsck -y /dev/disk0, by hand", false},
		{"vfat", `mkfs.vfat "$1"`, mountOf("vfat", "check = true"), "fsck.vfat: /dev/disk0: ", true},
		{"f2fs", `truncate -s 64M "$1"; mkfs.f2fs -q "$1"`, mountOf("f2fs", "check = true"), "fsck.f2fs: ", true},
		{"made, and not checked", ":", mountOf("ext4", "format = \"ext4\"\ncheck = true"), "made ext4 for /data", true},
		{"not asked for", ext4, mountOf("ext4", ""), "state=rescue", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			device, _ := loopDevice(t, tt.script)
			m := machine.Start(t, withTools(device, tt.toml))
			r, _ := m.State(health.Rescue, 0)
			m.Line(tt.line)
			if mounted := !slices.Contains(r.Warn, "data"); mounted != (tt.mounted && known(t, tt.toml)) {
				t.Errorf("mounted: %v\n%s", mounted, m.Tail())
			}
			if n := m.Count("e2fsck:"); tt.name == "not asked for" && n != 0 {
				t.Errorf("it was checked\n%s", m.Tail())
			}
		})
	}
}

// An image without the programs says so, and mounts what can be mounted.
func TestNoTools(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, script, more, line string }{
		{"check", `mkfs.ext4 -q -F "$1"`, "check = true", "/dev/disk0 is not checked: the image has no e2fsck (package e2fsprogs)"},
		{"format", ":", `format = "ext4"`, "ext4 is not made on /dev/disk0: the image has no mkfs.ext4 (package e2fsprogs)"},
	} {
		device, _ := loopDevice(t, tt.script)
		s := withTools(device, mountOf("ext4", tt.more))
		s.Bind = nil
		m := machine.Start(t, s)
		m.State(health.Rescue, 0)
		m.Line(tt.line)
		m.Signal(unix.SIGTERM)
		m.Ended()
	}
}

// A factory reset makes anew what has format, and nothing else; a power cut in the midst ends
// in the same.
func TestFactoryReset(t *testing.T) {
	t.Parallel()
	const ext4 = `mkfs.ext4 -q -F "$1"; `
	other := func(t *testing.T, s *machine.Spec) string {
		device, image := loopDevice(t, ext4)
		s.TTYs["disk1"] = device
		s.Dirs = append(s.Dirs, "other")
		s.TOML += "[[mount]]\nsource = \"/dev/disk1\"\ntarget = \"/other\"\ntype = \"ext4\"\n[[mount]]\nsource = \"/data\"\ntarget = \"/srv\"\noptions = [\"bind\"]\n"
		return image
	}
	inside := func(m *machine.Machine, path string) string { return fmt.Sprintf("/proc/%d/root%s", m.PID(), path) }
	there := func(m *machine.Machine, path string) bool { return unix.Access(inside(m, path), unix.F_OK) == nil }
	begin := func(t *testing.T) (machine.Spec, *machine.Machine) {
		device, _ := loopDevice(t, ext4)
		spec := withTools(device, mountOf("ext4", "format = \"ext4\"\ncheck = true"))
		other(t, &spec)
		m := machine.Start(t, spec)
		m.State(health.Rescue, 0)
		m.Must(os.WriteFile(inside(m, "/data/mine"), nil, 0o600))
		m.Must(os.WriteFile(inside(m, "/other/mine"), nil, 0o600))
		return spec, m
	}
	isReset := func(t *testing.T, m *machine.Machine) {
		t.Helper()
		if r, _ := m.State(health.Rescue, 0); slices.Contains(r.Warn, "data") {
			t.Errorf("not everything is mounted\n%s", m.Tail())
		}
		m.Line("factory reset: /dev/disk0 for /data is made anew")
		if there(m, "/data/mine") || !there(m, "/other/mine") {
			t.Errorf("/data/mine is there: %v, /other/mine: %v; want only the other", there(m, "/data/mine"), there(m, "/other/mine"))
		}
		m.Eventually("remember it", func() bool {
			out, _ := m.Ask("history")
			return strings.Contains(out, "factory reset: /dev/disk0 for /data is made anew")
		})
		m.PowerOff()
	}
	t.Run("by command", func(t *testing.T) {
		t.Parallel()
		spec, m := begin(t)
		m.Reachable()
		m.Want(1, "everything on /data (/dev/disk0) goes: it becomes an empty ext4", "factory-reset")
		m.Want(2, "no argument --no", "factory-reset", "--no")
		m.Want(0, "the node reboots", "factory-reset", "--yes")
		m.Ended()
		isReset(t, machine.Start(t, spec))
		again := machine.Start(t, spec) // and that was all
		again.State(health.Rescue, 0)
		if n := again.Count("factory reset"); n != 0 {
			t.Errorf("it was reset again\n%s", again.Tail())
		}
	})
	t.Run("by the kernel's word", func(t *testing.T) {
		t.Parallel()
		spec, m := begin(t)
		m.Signal(unix.SIGTERM)
		m.Ended()
		spec.Cmdline += " beaminit.factory_reset"
		isReset(t, machine.Start(t, spec))
	})
	t.Run("without the program", func(t *testing.T) {
		t.Parallel()
		spec, m := begin(t)
		m.Signal(unix.SIGTERM)
		m.Ended()
		spec.Cmdline += " beaminit.factory_reset"
		spec.Bind = nil
		m = machine.Start(t, spec)
		m.Line("factory reset: /data is left as it is: the image has no mkfs.ext4 (package e2fsprogs)")
		m.State(health.Rescue, 0)
		if !there(m, "/data/mine") {
			t.Error("/data/mine is gone")
		}
	})
	t.Run("asked for where nothing is made anew", func(t *testing.T) {
		t.Parallel()
		device, _ := loopDevice(t, ext4)
		spec := withTools(device, mountOf("ext4", "")) // with the state directory
		device, _ = loopDevice(t, ":")
		spec.TTYs["disk1"] = device
		spec.Dirs = append(spec.Dirs, "other")
		spec.TOML += "[[mount]]\nsource = \"/dev/disk1\"\ntarget = \"/other\"\ntype = \"ext4\"\nformat = \"ext4\"\n"
		m := machine.Start(t, spec)
		m.State(health.Rescue, 0)
		m.Must(os.WriteFile(inside(m, "/other/mine"), nil, 0o600))
		m.Reachable()
		m.Want(0, "the node reboots", "factory-reset", "--yes")
		m.Ended()
		for i := range 2 { // and that was all
			m = machine.Start(t, spec)
			m.State(health.Rescue, 0)
			if n := m.Count("factory reset: /dev/disk1 for /other is made anew"); n != 1-i || there(m, "/other/mine") != (i == 1) {
				t.Fatalf("boot %d: it was reset %d times, and what was there is there: %v\n%s", i, n, there(m, "/other/mine"), m.Tail())
			}
			m.Must(os.WriteFile(inside(m, "/other/mine"), nil, 0o600))
			m.Signal(unix.SIGTERM)
			m.Ended()
		}
	})
	t.Run("power cut", func(t *testing.T) {
		t.Parallel()
		spec, m := begin(t)
		m.Reachable()
		m.Want(0, "the node reboots", "factory-reset", "--yes")
		m.Ended()
		cut := machine.Start(t, spec)
		time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond)
		cut.PowerOff()
		m = machine.Start(t, spec)
		m.State(health.Rescue, 0)
		if there(m, "/data/mine") || !there(m, "/other/mine") || !there(m, "/data/beaminit") {
			t.Errorf("after a power cut: %v %v %v\n%s", there(m, "/data/mine"), there(m, "/other/mine"), there(m, "/data/beaminit"), m.Tail())
		}
	})
}

var formatCuts = flag.Int("format.cuts", 4, "power cuts while a file system is made")

// The power goes at any moment of a first boot: the next one has the disk all the same, and
// nothing of a formatting that was interrupted is in its way.
func TestFormatCuts(t *testing.T) {
	t.Parallel()
	for cut := range *formatCuts {
		t.Run(strconv.Itoa(cut), func(t *testing.T) { formatCut(t, cut) })
	}
}

// formatCut is one: with it ends its loop device.
func formatCut(t *testing.T, cut int) {
	t.Helper()
	device, image := loopDevice(t, ":")
	spec := withTools(device, mountOf("ext4", "format = \"ext4\"\ncheck = true"))
	first := machine.Start(t, spec)
	time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond)
	first.PowerOff()
	text, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("cut %d: marked %v, superblock %v", cut, bytes.Contains(text, []byte("a file system is being made")), text[1024+56] == 0x53)
	second := machine.Start(t, spec)
	if r, _ := second.State(health.Rescue, 0); slices.Contains(r.Warn, "data") {
		t.Fatalf("cut %d: nothing is mounted\n%s", cut, second.Tail())
	}
	second.PowerOff()
}
