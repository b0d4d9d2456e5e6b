// Package proc says what the kernel knows of processes, in words and numbers: how one
// ended, whose child it is, how much memory it has (wait(2), proc(5)).
package proc

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Describe says how a process ended, in words.
func Describe(status unix.WaitStatus) string {
	if status.Exited() {
		return "exit status " + strconv.Itoa(status.ExitStatus())
	}
	sig := status.Signal()
	text := "killed by signal " + strconv.Itoa(int(sig))
	if name := unix.SignalName(sig); name != "" {
		text += " (" + name + ")"
	}
	if status.CoreDump() {
		text += ", core dumped"
	}
	return text
}
