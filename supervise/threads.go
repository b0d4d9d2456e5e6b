package supervise

import (
	"runtime"
	"strconv"
	"sync"

	"github.com/beaminit/beaminit/internal/files"
	"golang.org/x/sys/unix"
)

// maxThreads is more than PID 1 ever has in system calls that take their time: each that
// does is a child's. What the Go runtime wants beside them is for itself, and for what runs:
// maxProcs, however many processors a board has.
const (
	maxThreads = 8
	maxProcs   = 2
	ownNice    = -15
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

// comeFirst has the threads of PID 1 run before those of others, of whom a user can start any number: a
// watchdog that PID 1 is late for resets the machine. What it starts is as others are (sched(7), the
// reset-on-fork flag). It may not be allowed to, as in a container.
func comeFirst() {
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if nice = 20 - nice; err != nil || nice != 0 && nice != ownNice { // somebody has decided on it
		return
	}
	threads, _ := files.Names("/proc/self/task", 0)
	for _, name := range threads {
		if tid, err := strconv.Atoi(name); err == nil {
			_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Nice: ownNice}, 0)
		}
	}
}
