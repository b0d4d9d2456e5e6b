package seccomp

import "golang.org/x/sys/unix"

const arch = unix.AUDIT_ARCH_PPC64LE

var (
	mmaps     = []uint32{unix.SYS_MMAP}
	archCalls = []uint32{unix.SYS_POLL, unix.SYS_EPOLL_WAIT, unix.SYS_NEWFSTATAT, unix.SYS_TIME}
	archFiles = []uint32{unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_RENAME, unix.SYS_RENAMEAT}
)
