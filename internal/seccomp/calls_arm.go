package seccomp

import "golang.org/x/sys/unix"

const arch = unix.AUDIT_ARCH_ARM

// The kernel's own of this architecture (asm/unistd.h): cacheflush and set_tls.
const cacheflush, setTLS = 0xf0002, 0xf0005

var ownCalls = []uint32{cacheflush, setTLS, unix.SYS_GETUID32, unix.SYS_GETEUID32, unix.SYS_GETGID32, unix.SYS_GETEGID32}

var oldMmap []uint32
