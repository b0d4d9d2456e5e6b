package main

import (
	"os"
	"runtime"
	"unsafe"

	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"golang.org/x/sys/unix"
)

// aheader is the name under which this program reads the files of the release into the
// page cache, while PID 1 waits for the network: a child that gives way to everything
// else, keeps nothing, and ends by itself.
const aheader = "beaminit-ahead"

// readAhead is the program that does it; nil: it is not wanted, or there is nothing to
// read.
func (n *node) readAhead() *supervise.Program {
	r := n.release
	if r == nil || n.failed != nil || !n.config.Release.ReadAhead {
		return nil
	}
	return &supervise.Program{
		Path: "/proc/self/exe",
		Argv: []string{aheader, n.command(1).Mode, r.Boot, r.Root, r.SystemLib, r.ERTSDir},
		Env:  []string{"GOMAXPROCS=1"},
	}
}

// ahead is that program.
func ahead(args []string) int {
	if len(args) != 6 {
		os.Stderr.WriteString(aheader + ": is for PID 1 to call\n")
		return 2
	}
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&[]byte(aheader + "\x00")[0])), 0, 0, 0) // not "exe"
	runtime.LockOSThread()                                                                       // what follows is a thread's
	// ioprio_set(2): of this process (1), class idle (3). Not every scheduler of the block
	// layer knows of it, so the least share of the CPU comes along (setpriority(2)).
	unix.Syscall(unix.SYS_IOPRIO_SET, 1, 0, 3<<13)
	unix.Setpriority(unix.PRIO_PROCESS, 0, 19)
	r := release.Release{Boot: args[2], Root: args[3], SystemLib: args[4], ERTSDir: args[5]}
	r.ReadAhead(release.Root("/"), args[1] != "interactive", func(path string) {
		if fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0); err == nil {
			unix.Fadvise(fd, 0, 0, unix.FADV_WILLNEED) // all of it
			unix.Close(fd)
		}
	})
	return 0
}
