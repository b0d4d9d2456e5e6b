//go:build !(386 || amd64 || arm || arm64 || riscv64 || mipsle || ppc64le || loong64)

package seccomp

import "golang.org/x/sys/unix"

// No list was made for this architecture.
const arch, mmap = 0, unix.SYS_MMAP

var archCalls, archFiles []uint32
