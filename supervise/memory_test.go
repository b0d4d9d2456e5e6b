package supervise

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	const path = " 00000000 00:02 7          /sbin/init\n"
	for _, c := range []struct {
		maps       string
		start, end uintptr
	}{
		{"00400000-00552000 r-xp" + path + "00552000-006cd000 r--p" + path, 0x400000, 0x552000},
		{"00010000-00020000 r--p" + path + "00020000-00030000 r-xp" + path, 0x20000, 0x30000},
		{"7ffd0000-7ffd2000 r-xp 00000000 00:00 0    [vdso]\n", 0, 0},
		{"00400000-00552000 r-xp 000", 0, 0}, // cut off
		{"-/ r-xp \n", 0, 0},
		{"", 0, 0},
	} {
		if start, end := text([]byte(c.maps)); start != c.start || end != c.end {
			t.Errorf("%q: got %x-%x, want %x-%x", c.maps, start, end, c.start, c.end)
		}
	}
}

// What settle forgets has to be there again when it is needed.
func TestSettle(t *testing.T) {
	before := fileRSS(t)
	settle()
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
