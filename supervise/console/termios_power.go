//go:build ppc64 || ppc64le

package console

import "golang.org/x/sys/unix"

// On POWER the termios of old has speeds as numbers already (asm/termbits.h).
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
