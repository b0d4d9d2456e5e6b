package node

import (
	"os"
	"runtime"

	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// ReadaheadName is the name under which this program reads the files of the release into the
// page cache, while PID 1 waits for the network: a child that gives way to everything
// else, keeps nothing, and ends by itself.
const ReadaheadName = "beaminit-ahead"

// readahead is the command that does it; nil: it is not wanted, or there is nothing to
// read.
func (n *Setup) readahead(mode string) *launch.Command {
	r := n.Release
	if !n.Config.Release.ReadAhead {
		return nil
	}
	return &launch.Command{
		Path:   "/proc/self/exe",
		Argv:   []string{ReadaheadName, mode, r.Boot, r.Root, r.SystemLib, r.ERTSDir},
		Env:    []string{"GOMAXPROCS=1"},
		Bounds: launch.Bounds{User: credential(n.User)}, // the rest is for boundAhead
	}
}

// boundAhead is the command as PID 1 starts it. Its files are the release's, and what they say
// is believed: it can do no more than read what the release can. Of what a child can be given
// PID 1 knows, and not the job that has found the release.
func (n *node) boundAhead() *launch.Command {
	if n.release.facts.Ahead == nil {
		return nil
	}
	c := *n.release.facts.Ahead
	c.Bounds = launch.Own(c.Bounds.User, launch.Sandbox{Read: []string{"/"}})
	return &c
}

// ReadaheadMain is that program.
func ReadaheadMain(args []string) int {
	if len(args) != 6 {
		os.Stderr.WriteString(ReadaheadName + ": is for PID 1 to call\n")
		return 2
	}
	proc.SetName(ReadaheadName) // not "exe"
	runtime.LockOSThread()      // what follows is a thread's
	// ioprio_set(2): of this process (1), class idle (3). Not every scheduler of the block
	// layer knows of it, so the least share of the CPU comes along (setpriority(2)).
	unix.Syscall(unix.SYS_IOPRIO_SET, 1, 0, 3<<13)
	unix.Setpriority(unix.PRIO_PROCESS, 0, 19)
	fault.At("ahead")
	r := release.Release{Boot: args[2], Root: args[3], SystemLib: args[4], ERTSDir: args[5]}
	r.ReadAhead(release.Root("/"), args[1] != "interactive", func(path string) {
		if fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0); err == nil {
			unix.Fadvise(fd, 0, 0, unix.FADV_WILLNEED) // all of it
			unix.Close(fd)
		}
	})
	return 0
}
