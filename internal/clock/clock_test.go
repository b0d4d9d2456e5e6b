package clock

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestClocks(t *testing.T) {
	text, err := os.ReadFile("/proc/uptime") // proc(5): CLOCK_BOOTTIME, in seconds
	if err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Duration(seconds * float64(time.Second))
	if up := Boottime(); up < before-10*time.Millisecond || up > before+time.Minute {
		t.Errorf("up %v, /proc/uptime says %v", up, before)
	}
	first := Monotonic()
	if first > Boottime() || Monotonic() < first {
		t.Errorf("monotonic %v, then %v, of %v since boot", first, Monotonic(), Boottime())
	}
}

func TestWithin(t *testing.T) {
	err := Within(20*time.Millisecond, "umount /data", func() error { time.Sleep(2 * time.Second); return nil })
	if err == nil || !strings.Contains(err.Error(), "umount /data has not come back after 20 ms") {
		t.Errorf("got %v", err)
	}
	if err := Within(5*time.Second, "x", func() error { return unix.EBUSY }); err != unix.EBUSY {
		t.Errorf("got %v, want EBUSY", err)
	}
}
