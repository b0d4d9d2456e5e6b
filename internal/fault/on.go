//go:build fault

package fault

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// At panics, once, where a file /data/fault-NAME stands; it takes it away first. With
// /data/hang-NAME the goroutine stands still for ever; with /data/stop-NAME, which stays, the
// process stops (SIGSTOP), for a test to look at.
func At(name string) {
	if unix.Access("/data/stop-"+name, unix.F_OK) == nil {
		runtime.LockOSThread() // who sends it to the process goes on for a while
		unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGSTOP)
		runtime.UnlockOSThread()
	}
	if unix.Unlink("/data/fault-"+name) == nil {
		panic("fault at " + name)
	}
	for hang := unix.Unlink("/data/hang-"+name) == nil; hang; {
		unix.Pause()
	}
}
