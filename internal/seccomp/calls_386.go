package seccomp

import "golang.org/x/sys/unix"

const arch = unix.AUDIT_ARCH_I386

// All calls on sockets of package syscall are one here, whose arguments no filter can see.
var ownCalls = []uint32{
	unix.SYS_SOCKETCALL, unix.SYS_SET_THREAD_AREA, unix.SYS_TIME,
	unix.SYS_GETUID32, unix.SYS_GETEUID32, unix.SYS_GETGID32, unix.SYS_GETEGID32,
}

var oldMmap []uint32
