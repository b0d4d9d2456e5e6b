package supervise

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestProgramPages(t *testing.T) {
	tests := []struct {
		line        string
		start, size uintptr
		ok          bool
	}{
		{"00400000-00557000 r-xp 00000000 fe:00 1234                               /sbin/init", 0x400000, 0x157000, true},
		{"00557000-006d6000 r--p 00157000 fe:00 1234                               /sbin/init", 0x557000, 0x17f000, true},
		{"006d6000-006e7000 rw-p 002d6000 fe:00 1234                               /sbin/init", 0, 0, false},
		{"7ffc88fab000-7ffc88fad000 r-xp 00000000 00:00 0                          [vdso]", 0, 0, false},
		{"37d49cc00000-37d49d000000 rw-p 00000000 00:00 0", 0, 0, false},
		{"37d49cc00000-37d49cc00000 r--p 00000000 00:00 0 /x", 0, 0, false},
		{"zz-37 r--p 0 /x", 0, 0, false},
		{"", 0, 0, false},
	}
	for _, tt := range tests {
		start, size, ok := programPages(tt.line)
		if start != tt.start || size != tt.size || ok != tt.ok {
			t.Errorf("%q: got %#x %#x %v, want %#x %#x %v", tt.line, start, size, ok, tt.start, tt.size, tt.ok)
		}
	}
}

func TestFixedAddress(t *testing.T) {
	header := func(kind byte) string {
		return "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + string(kind) + "\x00"
	}
	tests := []struct {
		name, header string
		want         bool
	}{
		{"ET_EXEC", header(2), true},
		{"ET_DYN: position independent", header(3), false},
		{"a script", "#!/bin/sh\necho hello world\n", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		if got := fixedAddress(tt.header); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// What shrink forgets has to be there again when it is needed.
func TestShrink(t *testing.T) {
	before := fileRSS(t)
	shrink()
	if after := fileRSS(t); after >= before {
		t.Errorf("%d kB of files are mapped, and were %d before", after, before)
	}
}

// fileRSS is RssFile of proc(5), in kB.
func fileRSS(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "RssFile:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
