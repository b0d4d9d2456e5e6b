package boot

import "testing"

// Options of swap space as fstab(5) has them.
func TestSwapFlags(t *testing.T) {
	for options, want := range map[string]uintptr{
		"": 0, "sw": 0, "defaults": 0, "pri=0": 0x8000, "sw,pri=100": 0x8064, "pri=32767": 0xffff, "pri=-1": 0, "pri=x": 0, "pri=40000": 0,
		"discard": 0x10000, "discard=once": 0x30000, "discard=pages,pri=5": 0x58005,
	} {
		if got := swapFlags(options); got != want {
			t.Errorf("%s: got %#x, want %#x", options, got, want)
		}
	}
}
