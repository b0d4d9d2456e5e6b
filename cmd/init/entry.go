//go:build entry && (amd64 || 386 || arm || arm64 || riscv64)

package main

// entry is where the kernel enters the program, if the linker is told so
// (-ldflags "-E main.entry"), a hundred thousand instructions before main. From then on,
// until main hushes the signals, a SIGTERM would end PID 1, and with it the kernel: the
// handlers that the Go runtime installs end the process on those signals that its table
// (runtime.sigtable) marks so, and a process that is PID 1 has no other say in it before
// the first package is initialised. As PID 1, entry takes the mark off, so that they do
// nothing, as the kernel has it for an init without handlers (pid_namespaces(7)), and goes
// on to the runtime's own entry.
//
// The table has an entry for each signal: its flags, an int32, and its name. That is so
// since Go 1.4; TestEarlySignals would tell of a change.
func entry()
