package boot

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
)

func TestGiveUpRoot(t *testing.T) {
	r := &config.Root{Attempts: 3, Timeout: time.Minute}
	late := fmt.Errorf("root: %w", fmt.Errorf("/dev/vda: %w", NoDevice))
	tests := []struct {
		attempts int
		took     time.Duration
		err      error
		why      string
		over     bool
	}{
		{1, time.Second, late, "no root yet (attempt 1 of 3): root: /dev/vda: no such block device", false},
		{2, 59 * time.Second, late, "no root yet (attempt 2 of 3): ", false},
		{3, time.Second, late, "no root after 3 attempts (root.attempts): root: /dev/vda: no such block device", true},
		{2, 61500 * time.Millisecond, late, "no root after 1m1s (root.timeout): ", true},
		{1, 0, fmt.Errorf("root: %w", unix.EINVAL), "no root yet", false},
	}
	for _, form := range []string{"/dev/nfs", "nfs:server", "UUID=", "/dev/disk/by-path/pci-0", "PARTUUID=x/PARTNROFF=1", "nonsense"} {
		_, err := resolveRoot(form)
		tests = append(tests, struct {
			attempts int
			took     time.Duration
			err      error
			why      string
			over     bool
		}{1, 0, fmt.Errorf("root: %w", err), "no root: root: ", true})
	}
	for _, tt := range tests {
		why, over := GiveUpRoot(r, tt.attempts, tt.took, tt.err)
		if !strings.HasPrefix(why, tt.why) || over != tt.over || !strings.HasSuffix(why, tt.err.Error()) {
			t.Errorf("attempt %d, %v, %v: %q %v, want %q %v", tt.attempts, tt.took, tt.err, why, over, tt.why, tt.over)
		}
	}
	if !errors.Is(late, NoDevice) {
		t.Error("a device that may come")
	}
}

func TestRootLimit(t *testing.T) {
	for _, tt := range []struct{ wait, left, want time.Duration }{
		{10 * time.Second, time.Minute, 10 * time.Second},
		{10 * time.Second, time.Second, time.Second},
		{-1, time.Minute, time.Minute}, // a bare rootwait
	} {
		if got := rootLimit(&config.Root{Wait: tt.wait}, tt.left); got != tt.want {
			t.Errorf("%v of %v: %v, want %v", tt.wait, tt.left, got, tt.want)
		}
	}
}

func TestPanicAction(t *testing.T) {
	for _, tt := range []struct {
		seconds, cmdline string
		wait             time.Duration
		stays            bool
	}{
		{"0\n", "quiet", panicDelay, false},
		{"0\n", "panic=0 quiet", 0, true},
		{"5\n", "panic=5", 5 * time.Second, false},
		{"-1\n", "panic=-1", 0, false},
		{"30\n", "", 30 * time.Second, false}, // CONFIG_PANIC_TIMEOUT
		{"", "", panicDelay, false},           // no /proc
		{"0", "oops=panic xpanic=0", panicDelay, false},
	} {
		if wait, stays := panicAction(tt.seconds, tt.cmdline); wait != tt.wait || stays != tt.stays {
			t.Errorf("%q %q: %v %v, want %v %v", tt.seconds, tt.cmdline, wait, stays, tt.wait, tt.stays)
		}
	}
}
