//go:build !seccomplog && !seccompkill

package seccomp

import "golang.org/x/sys/unix"

// refuse makes a call fail with that error.
func refuse(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }
