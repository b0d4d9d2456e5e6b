package supervise

import (
	"runtime"
	"sync"
)

// maxThreads is more than PID 1 ever has in system calls that take their time: each that
// does is a child's. What the Go runtime wants beside them is for itself, and for what runs:
// maxProcs, however many processors a board has.
const (
	maxThreads = 8
	maxProcs   = 2
)

// makeThreads makes the threads that PID 1 will ever need. The Go runtime ends the process
// where it cannot make one (clone(2), EAGAIN): the release may have taken all that there
// are (pids.max, kernel.threads-max, a fork bomb), and PID 1 must not need another then. A
// goroutine that is locked has a thread for itself, and they meet; afterwards the runtime
// keeps the threads.
func makeThreads() {
	if runtime.GOMAXPROCS(0) > maxProcs { // to set it stops the world, even to what it is
		runtime.GOMAXPROCS(maxProcs)
	}
	var here, gone sync.WaitGroup
	here.Add(maxThreads)
	gone.Add(maxThreads)
	for range maxThreads {
		go func() {
			defer gone.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			here.Done()
			here.Wait()
		}()
	}
	gone.Wait()
}
