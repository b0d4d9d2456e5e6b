//go:build !ppc64 && !ppc64le

package console

import "golang.org/x/sys/unix"

// The requests that take speeds as numbers (ioctl_tty(2)).
const (
	getTermios = unix.TCGETS2
	setTermios = unix.TCSETS2
)
