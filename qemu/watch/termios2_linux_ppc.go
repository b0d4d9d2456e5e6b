//go:build linux && (ppc64 || ppc64le)

package watch

import "golang.org/x/sys/unix"

// There the usual ioctls take any speed (kernel arch/powerpc/include/uapi/asm/termbits.h).
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
