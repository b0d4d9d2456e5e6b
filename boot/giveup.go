package boot

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/files"
)

// GiveUpRoot decides, after so many attempts at the root that took so long together and of
// which err was the last one's error, whether an initramfs goes on trying; why says what it
// gives up for, or how far it is.
func GiveUpRoot(r *config.Root, attempts int, took time.Duration, err error) (why string, over bool) {
	var never unknownForm
	switch {
	case errors.As(err, &never):
		return "no root: " + err.Error(), true
	case attempts >= r.Attempts:
		return fmt.Sprintf("no root after %d attempts (root.attempts): %v", attempts, err), true
	case took >= r.Timeout:
		return fmt.Sprintf("no root after %v (root.timeout): %v", took.Truncate(time.Second), err), true
	}
	return fmt.Sprintf("no root yet (attempt %d of %d): %v", attempts, r.Attempts, err), false
}

// rootLimit is how long one attempt may wait for the device. A bare rootwait has no end of
// its own; root.timeout is the end of it too, because a node that nobody looks at is lost
// where it waits for ever.
func rootLimit(r *config.Root, left time.Duration) time.Duration {
	if r.Wait < 0 {
		return left
	}
	return min(r.Wait, left)
}

// panicDelay is when a node reboots that gave up its root and of which panic= says nothing.
const panicDelay = 10 * time.Second

// PanicAction is what panic= of the kernel command line (kernel Documentation/admin-guide/
// kernel-parameters.txt) says of a kernel that cannot mount its root, for an initramfs
// that cannot: wait says after how long it reboots, and 0 that it does at once, as with a
// negative number; for ever that it stays, as with a panic=0 that somebody wrote. Where
// none is on the line, it is what the kernel was built with (CONFIG_PANIC_TIMEOUT); and
// where that is 0, as usual, 10 s: an appliance has nobody who could switch it off and on.
func PanicAction(cmdline string) (wait time.Duration, forEver bool) {
	set, _ := files.ReadFile("/proc/sys/kernel/panic") // the kernel has read its line
	return panicAction(string(set), cmdline)
}

func panicAction(set, cmdline string) (wait time.Duration, forEver bool) {
	seconds, err := strconv.Atoi(strings.TrimSpace(set))
	switch {
	case err == nil && seconds > 0:
		return time.Duration(seconds) * time.Second, false
	case err == nil && seconds < 0:
		return 0, false
	case saysPanic(cmdline):
		return 0, true
	}
	return panicDelay, false
}

// saysPanic says that panic= is on the kernel command line.
func saysPanic(cmdline string) bool {
	for _, word := range strings.Fields(cmdline) {
		if strings.HasPrefix(word, "panic=") {
			return true
		}
	}
	return false
}
