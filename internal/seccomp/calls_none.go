//go:build !(386 || amd64 || arm || arm64 || riscv64 || mipsle || ppc64le || loong64)

package seccomp

// No list was made for this architecture.
const arch = 0

var mmaps, archCalls, archFiles []uint32
