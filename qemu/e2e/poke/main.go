// Command poke is put on a node's data disk by the end-to-end tests, because the image has no
// shell and no kill. It sends a signal to a process, stays as a daemon does, takes
// all the memory that it gets, or is a fork bomb.
package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "stay":
		syscall.Setsid()
		time.Sleep(time.Hour)
	case len(os.Args) == 2 && os.Args[1] == "eat":
		for {
			const flags = syscall.MAP_PRIVATE | syscall.MAP_ANON | syscall.MAP_POPULATE
			if eaten, err := syscall.Mmap(-1, 0, 1<<20, syscall.PROT_READ|syscall.PROT_WRITE, flags); err == nil {
				eaten[0] = 1
			}
		}
	case len(os.Args) == 2 && os.Args[1] == "bomb":
		for { // what it has started does the same
			if _, err := syscall.ForkExec("/proc/self/exe", os.Args, nil); err != nil {
				time.Sleep(100 * time.Millisecond)
			}
		}
	case len(os.Args) == 3:
		sig, _ := strconv.Atoi(os.Args[1])
		pid, _ := strconv.Atoi(os.Args[2])
		if err := syscall.Kill(pid, syscall.Signal(sig)); err != nil {
			println(err.Error())
			os.Exit(1)
		}
	default:
		println("usage: poke SIGNAL PID | stay | eat | bomb")
		os.Exit(2)
	}
}
