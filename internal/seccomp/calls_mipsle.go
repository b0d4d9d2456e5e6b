package seccomp

import "golang.org/x/sys/unix"

const arch = unix.AUDIT_ARCH_MIPSEL

var ownCalls = []uint32{unix.SYS_SET_THREAD_AREA, unix.SYS_CACHEFLUSH}

// The runtime has the older call here, package syscall the newer.
var oldMmap = []uint32{unix.SYS_MMAP}
