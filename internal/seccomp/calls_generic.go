//go:build arm64 || riscv64 || loong64

package seccomp

import "golang.org/x/sys/unix"

// These three have the kernel's generic table (asm-generic/unistd.h), which has nothing
// twice.
var (
	mmaps     = []uint32{unix.SYS_MMAP}
	archCalls = []uint32{unix.SYS_NEWFSTATAT}
	archFiles []uint32
)
