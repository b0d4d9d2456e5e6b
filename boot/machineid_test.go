package boot

import (
	"hash/fnv"
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
		nstest.Must(t, os.WriteFile(path, []byte(text), 0o600))
		if got := machineID(path); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The sum is the FNV-1a of 128 bits that its authors publish: an id outlives an update.
func TestUUIDOfSum(t *testing.T) {
	for text, want := range map[string]string{
		"a":      "d228cb696f1a4caf" + "b8912b704e4a8964",
		"foobar": "343e1662793c44bf" + "af0d3597ba446f18",
	} {
		sum := fnv.New128a()
		sum.Write([]byte(text))
		if got := uuid(sum.Sum(nil)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]bool{
		"": false, "00000000-0000-0000-0000-000000000000\n": false, "ffffffff-ffff-ffff-ffff-ffffffffffff\n": false,
		"FFFFFFFF-FFFF\n": false, "00:00:00:00:00:00\n": false, "a": true, "10000000d1\x00": true, "52:54:00:12:34:56\n": true,
	} {
		if got := tellsApart(text); got != want {
			t.Errorf("%q tells boards apart: %v", text, got)
		}
	}
}

// One board has one id, and two have two.
func TestMakeMachineID(t *testing.T) {
	a, from := MakeMachineID("52:54:00:12:34:56\n")
	again, _ := MakeMachineID("52:54:00:12:34:56\n")
	b, _ := MakeMachineID("52:54:00:12:34:57\n")
	if a != again || a == b || len(a) != 32 || a[12] != '4' || from != "made of the board's own numbers" {
		t.Errorf("%s %s %s, %s", a, again, b, from)
	}
	state := stateIn(t, t.TempDir())
	nstest.Must(t, saveMachineID(state, a))
	nstest.Must(t, saveMachineID(state, b)) // the first one stays
	if id, err := savedMachineID(state); id != a || err != nil {
		t.Errorf("%s %v, want %s", id, err, a)
	}
	path := filepath.Join(state.Path(), machineIDFile)
	nstest.Must(t, os.Remove(path))
	nstest.Must(t, os.WriteFile(path, []byte(a[:7]), 0o600)) // a power cut
	nstest.Must(t, saveMachineID(state, b))
	if id, err := savedMachineID(state); id != b || err != nil {
		t.Errorf("%q %v after a cut file, want %s", id, err, b)
	}
}

// An image's file shows the id, however the image left it to the boot; an image without
// one has it in /run.
func TestPlaceMachineID(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, mountBoth())
		nstest.Must(t, os.Mkdir("/etc", 0o755))
		if need, present := NeedMachineID(); !need || present {
			t.Errorf("without a file: %v %v", need, present)
		}
		nstest.Must(t, WriteMachineID(someID, false))
		if got := machineID(machineIDRun); got != someID {
			t.Errorf("%s has %q", machineIDRun, got)
		}
		nstest.Must(t, os.WriteFile(MachineIDPath, []byte("uninitialized\n"), 0o444))
		if need, present := NeedMachineID(); !need || !present {
			t.Errorf("not filled in: %v %v", need, present)
		}
		nstest.Must(t, WriteMachineID(someID, true))
		if got := machineID(MachineIDPath); got != someID {
			t.Errorf("%s has %q", MachineIDPath, got)
		}
		if err := os.WriteFile(MachineIDPath, nil, 0o444); err == nil {
			t.Error("it can be written to")
		}
		if need, _ := NeedMachineID(); need {
			t.Error("another is needed")
		}
		nstest.Must(t, unix.Unmount(MachineIDPath, 0))
		nstest.Must(t, os.Remove(MachineIDPath))
		nstest.Must(t, os.Remove(machineIDRun))
		nstest.Must(t, os.Symlink(machineIDRun, MachineIDPath))
		if need, present := NeedMachineID(); !need || !present {
			t.Errorf("a link: %v %v", need, present)
		}
		nstest.Must(t, WriteMachineID(someID, true))
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
	nstest.Must(t, os.MkdirAll(dir+"/rtc0", 0o755))
	nstest.Must(t, os.MkdirAll(dir+"/rtc1", 0o755))
	nstest.Must(t, os.WriteFile(dir+"/rtc0/hctosys", []byte("0\n"), 0o600))
	if fromRTC(dir) {
		t.Error("it did not set the clock")
	}
	nstest.Must(t, os.WriteFile(dir+"/rtc1/hctosys", []byte("1\n"), 0o600))
	if !fromRTC(dir) {
		t.Error("the second did")
	}
}
