package shutdown

import (
	"fmt"
	"strings"
	"time"
	"unsafe"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/files"
	"golang.org/x/sys/unix"
)

// swapOff gives the swap devices and files back (swapoff(2)): a file of them would keep
// its file system busy. What is compressed in memory holds nothing of a disk's, and is
// left.
func swapOff(limit time.Duration) (errs []error) {
	text, err := files.ReadFile("/proc/swaps")
	if err != nil { // a kernel without swap
		return nil
	}
	end := clock.Monotonic() + limit
	for _, name := range swaps(string(text)) {
		if err := swapOffOne(name, end-clock.Monotonic()); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func swapOffOne(name string, limit time.Duration) error {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return clock.Within(limit, "swapoff "+name, func() error {
		if _, _, errno := unix.Syscall(unix.SYS_SWAPOFF, uintptr(unsafe.Pointer(path)), 0, 0); errno != 0 {
			return fmt.Errorf("swapoff %s: %w", name, errno)
		}
		return nil
	})
}

// swaps reads the text of /proc/swaps (proc(5)): a header, then a line each, the last
// one switched on first. Without those in compressed memory.
func swaps(text string) (names []string) {
	_, rest, _ := strings.Cut(text, "\n")
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		name, _, ok := strings.Cut(line, " ")
		if tab := strings.IndexByte(name, '\t'); tab >= 0 {
			name, ok = name[:tab], true
		}
		if ok && strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "/dev/zram") {
			names = append(names, boot.Unescape(name))
		}
	}
	return names
}
