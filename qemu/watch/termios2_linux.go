//go:build !ppc64 && !ppc64le

package watch

import "golang.org/x/sys/unix"

// The ioctls that take any speed (ioctl_tty(2), termios2).
const (
	getTermios = unix.TCGETS2
	setTermios = unix.TCSETS2
)
