// Package boot is the room of the way in and the way back: the early mounts, the
// kernel modules, the root file system and the mounts that the user asked for;
// and at the end the last processes, sync, unmount and reboot(2). What is to be
// mounted or loaded is computed as data that can be printed; thin code applies it.
// It is Linux only, makes its system calls itself, and waits for nothing without
// a deadline.
package boot

// A constError is an error that is a constant, so that it costs nothing at start-up.
type constError string

func (e constError) Error() string { return string(e) }
