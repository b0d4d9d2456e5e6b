// Command poke is put on a node's data disk by the end-to-end tests, because the
// image has no shell and no kill: it sends a signal to a process.
package main

import (
	"os"
	"strconv"
	"syscall"
)

func main() {
	if len(os.Args) != 3 {
		println("usage: poke SIGNAL PID")
		os.Exit(2)
	}
	sig, _ := strconv.Atoi(os.Args[1])
	pid, _ := strconv.Atoi(os.Args[2])
	if err := syscall.Kill(pid, syscall.Signal(sig)); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}
