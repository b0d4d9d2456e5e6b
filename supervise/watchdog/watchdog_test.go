package watchdog

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What a real watchdog does is looked at in QEMU; here is what is none.
func TestNone(t *testing.T) {
	for device, want := range map[string]error{"/dev/null": unix.ENOTTY, "/nowhere/watchdog": unix.ENOENT} {
		d, _, err := Open(device, 30*time.Second)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), device) || d != (Device{}) {
			t.Errorf("%s: got %+v, %v, want %v", device, d, err, want)
		}
	}
	var none Device
	if err := none.Pet(); err != nil || none.FD() != 0 {
		t.Error(err)
	}
	none.Cover(time.Hour)
	none.Disarm()
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{"i6300ESB timer\x00\x00": "i6300ESB timer", "": "", "\x1b[2J": "", "dw\xff": "dw"} {
		if got := text([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
