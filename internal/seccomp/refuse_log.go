//go:build seccomplog

package seccomp

import "golang.org/x/sys/unix"

// refuse has the call made, and a line of it in the kernel's log.
func refuse(unix.Errno) uint32 { return unix.SECCOMP_RET_LOG }
