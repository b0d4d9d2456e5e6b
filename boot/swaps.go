package boot

import (
	"fmt"
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
