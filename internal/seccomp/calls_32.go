//go:build 386 || arm || mipsle

package seccomp

import "golang.org/x/sys/unix"

// With 32 bits there is another call for each that has a file's size or, after 2038, a time
// in it.
var (
	mmaps     = append([]uint32{unix.SYS_MMAP2}, oldMmap...)
	archCalls = append([]uint32{
		unix.SYS_POLL, unix.SYS_EPOLL_WAIT, unix.SYS_FCNTL64, unix.SYS_FSTAT64, unix.SYS_FSTATAT64, unix.SYS_SIGRETURN,
		unix.SYS_FUTEX_TIME64, unix.SYS_CLOCK_GETTIME64, unix.SYS_CLOCK_NANOSLEEP_TIME64, unix.SYS_PPOLL_TIME64, unix.SYS_RECVMMSG_TIME64,
	}, ownCalls...)
	archFiles = []uint32{unix.SYS_STAT64, unix.SYS_LSTAT64, unix.SYS__LLSEEK, unix.SYS_RENAME, unix.SYS_RENAMEAT, unix.SYS_FTRUNCATE64}
)
