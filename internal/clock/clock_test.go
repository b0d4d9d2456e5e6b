package clock

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
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
