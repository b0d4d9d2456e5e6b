package boot

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/nstest"
)

const someID = "0123456789abcdef0123456789abcdef"

func TestReadMachineID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "machine-id")
	for text, want := range map[string]string{
		someID: someID, someID + "\n": someID, "": "", "uninitialized\n": "", someID + "\n\n": "", someID[1:]: "",
		"00000000000000000000000000000000\n": "", "0123456789ABCDEF0123456789abcdef\n": "", someID + " ": "",
	} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if got := machineID(path); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The sums of FNV-1a 128 are those that its authors publish.
func TestHash(t *testing.T) {
	for _, tt := range []struct {
		text      string
		high, low uint64
		none      bool
	}{
		{"", 0x6c62272e07bb0142, 0x62b821756295c58d, true},
		{"a", 0xd228cb696f1a8caf, 0x78912b704e4a8964, false},
		{"foobar", 0x343e1662793c64bf, 0x6f0d3597ba446f18, false},
		{"00000000-0000-0000-0000-000000000000\n", 0, 0, true},
		{"ffffffff-ffff-ffff-ffff-ffffffffffff\n", 0, 0, true},
	} {
		h := newHash()
		h.add(tt.text)
		if h.none != tt.none || tt.high != 0 && (h.high != tt.high || h.low != tt.low) {
			t.Errorf("%q: %x %x %v", tt.text, h.high, h.low, h.none)
		}
	}
}

// One board has one id, and two have two.
func TestFindMachineID(t *testing.T) {
	a, from := FindMachineID("", "52:54:00:12:34:56\n")
	again, _ := FindMachineID("", "52:54:00:12:34:56\n")
	b, _ := FindMachineID("", "52:54:00:12:34:57\n")
	if a != again || a == b || len(a) != 32 || a[12] != '4' || from != "made of the board's own numbers" {
		t.Errorf("%s %s %s, %s", a, again, b, from)
	}
	dir := filepath.Join(t.TempDir(), "beaminit")
	must(t, SaveMachineID(dir, a))
	must(t, SaveMachineID(dir, b)) // the first one stays
	if id, from := FindMachineID(dir, "other"); id != a || from != "saved in "+dir+"/machine-id" {
		t.Errorf("%s %s, want %s", id, from, a)
	}
	must(t, os.Remove(dir+machineIDFile))
	must(t, os.WriteFile(dir+machineIDFile, []byte(a[:7]), 0o600)) // a power cut
	must(t, SaveMachineID(dir, b))
	if got := machineID(dir + machineIDFile); got != b {
		t.Errorf("%q after a cut file, want %s", got, b)
	}
}

// An image's file shows the id, however the image left it to the boot; an image without
// one has it in /run.
func TestPlaceMachineID(t *testing.T) {
	nstest.Run(t, whole, func(t *testing.T) {
		emptyRoot(t)
		none(t, mountBoth())
		must(t, os.Mkdir("/etc", 0o755))
		if need, present := NeedMachineID(); !need || present {
			t.Errorf("without a file: %v %v", need, present)
		}
		must(t, PlaceMachineID(someID, false))
		if got := machineID(machineIDRun); got != someID {
			t.Errorf("%s has %q", machineIDRun, got)
		}
		must(t, os.WriteFile(MachineIDPath, []byte("uninitialized\n"), 0o444))
		if need, present := NeedMachineID(); !need || !present {
			t.Errorf("not filled in: %v %v", need, present)
		}
		must(t, PlaceMachineID(someID, true))
		if got := machineID(MachineIDPath); got != someID {
			t.Errorf("%s has %q", MachineIDPath, got)
		}
		if err := os.WriteFile(MachineIDPath, nil, 0o444); err == nil {
			t.Error("it can be written to")
		}
		if need, _ := NeedMachineID(); need {
			t.Error("another is needed")
		}
		must(t, unix.Unmount(MachineIDPath, 0))
		must(t, os.Remove(MachineIDPath))
		must(t, os.Remove(machineIDRun))
		must(t, os.Symlink(machineIDRun, MachineIDPath))
		if need, present := NeedMachineID(); !need || !present {
			t.Errorf("a link: %v %v", need, present)
		}
		must(t, PlaceMachineID(someID, true))
		if got := machineID(MachineIDPath); got != someID || len(mounted(t, machineIDRun)) != 0 {
			t.Errorf("through the link: %q", got)
		}
	})
}

func TestFromRTC(t *testing.T) {
	dir := t.TempDir()
	if fromRTC(dir) || fromRTC(dir+"/none") {
		t.Error("there is none")
	}
	must(t, os.MkdirAll(dir+"/rtc0", 0o755))
	must(t, os.MkdirAll(dir+"/rtc1", 0o755))
	must(t, os.WriteFile(dir+"/rtc0/hctosys", []byte("0\n"), 0o600))
	if fromRTC(dir) {
		t.Error("it did not set the clock")
	}
	must(t, os.WriteFile(dir+"/rtc1/hctosys", []byte("1\n"), 0o600))
	if !fromRTC(dir) {
		t.Error("the second did")
	}
}
