package boot

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// swapOn makes swap space of a device or file (swapon(2)); one that is in use already is
// fine. options are those of swapon(8) in fstab(5).
func swapOn(source string, options string) error {
	path, err := unix.BytePtrFromString(source)
	if err != nil {
		return fmt.Errorf("swap on %q: %w", source, err)
	}
	_, _, errno := unix.Syscall(unix.SYS_SWAPON, uintptr(unsafe.Pointer(path)), swapFlags(options), 0)
	switch errno {
	case 0, unix.EBUSY:
		return nil
	case unix.EINVAL:
		return fmt.Errorf("swap on %s: %w: no swap space is on it; want mkswap %s", source, errno, source)
	}
	return fmt.Errorf("swap on %s: %w", source, errno)
}

// swapFlags are the flags of swapon(2) that options mean: pri=N, discard, discard=once and
// discard=pages.
func swapFlags(options string) (flags uintptr) {
	const prefer, priority, discard, once, pages = 0x8000, 0x7fff, 0x10000, 0x20000, 0x40000 // include/linux/swap.h
	for _, o := range strings.Split(options, ",") {
		name, value, _ := strings.Cut(o, "=")
		n, err := strconv.ParseUint(value, 10, 15)
		switch {
		case name == "pri" && err == nil:
			flags |= prefer | uintptr(n)&priority
		case name != "discard":
		case value == "once":
			flags |= discard | once
		case value == "pages":
			flags |= discard | pages
		default:
			flags |= discard
		}
	}
	return flags
}
