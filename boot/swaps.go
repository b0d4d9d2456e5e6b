package boot

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// swapOn makes swap space of a device or file (swapon(2)); one that is in use already is
// fine.
func swapOn(source string) error {
	path, err := unix.BytePtrFromString(source)
	if err != nil {
		return fmt.Errorf("swap on %q: %w", source, err)
	}
	_, _, errno := unix.Syscall(unix.SYS_SWAPON, uintptr(unsafe.Pointer(path)), 0, 0)
	switch errno {
	case 0, unix.EBUSY:
		return nil
	case unix.EINVAL:
		return fmt.Errorf("swap on %s: %w: no swap space is on it; want mkswap %s", source, errno, source)
	}
	return fmt.Errorf("swap on %s: %w", source, errno)
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
			names = append(names, unescape(name))
		}
	}
	return names
}
