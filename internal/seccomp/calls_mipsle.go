package seccomp

import "golang.org/x/sys/unix"

const arch = unix.AUDIT_ARCH_MIPSEL

var ownCalls = []uint32{unix.SYS_SET_THREAD_AREA, unix.SYS_CACHEFLUSH}
