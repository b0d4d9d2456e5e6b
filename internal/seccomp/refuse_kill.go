//go:build seccompkill

package seccomp

import "golang.org/x/sys/unix"

// refuse ends the process by SIGSYS, so that a test cannot miss it.
func refuse(unix.Errno) uint32 { return unix.SECCOMP_RET_KILL_PROCESS }
