package children

import (
	"os"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/output"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// spawn executes it; pid 0 and no error: there is nothing to start.
func (t *Table) spawn(c *Entry) (pid int, err error) {
	cmd, err := c.Command()
	if err != nil || cmd == nil {
		return 0, err
	}
	files := t.lineFiles
	if c.Files != nil {
		files = func(*Entry) (Files, error) { return c.Files() }
	}
	if c.Policy.Ready == policy.ReadyNotify {
		if err := t.listenTo(c, cmd); err != nil {
			return 0, err
		}
	}
	f, err := files(c)
	if err != nil {
		return 0, err
	}
	if c.Cgroup != nil {
		cmd.Bounds.Cgroup = t.makeCgroup(c)
	}
	says := t.Says
	if c.Files == nil { // what the exec helper has to say is about this child
		says = f.Child[1]
	}
	pid, err = cmd.Spawn(says, f.Child...)
	CloseAll(f.CloseChild)
	if err != nil {
		CloseAll(f.CloseOwn)
	}
	return pid, err
}

// CloseAll closes descriptors.
func CloseAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// lineFiles are the descriptors of a child whose output is lines of the console, with its
// name in front. The runtime's poller waits for them, so no thread does.
func (t *Table) lineFiles(c *Entry) (Files, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return Files{}, err
	}
	t.followLines(p[0], c)
	return Files{Child: []int{t.Null, p[1], p[1]}, CloseChild: []int{p[1]}}, nil
}

// followLines has the read end of such a pipe read.
func (t *Table) followLines(fd int, c *Entry) {
	unix.SetNonblock(fd, true)
	c.lines.Store(int32(fd))
	go t.readLines(os.NewFile(uintptr(fd), c.Name), fd, c)
}

// readLines puts what a child writes on the console, until nobody has the other end.
func (t *Table) readLines(in *os.File, fd int, c *Entry) {
	defer t.Guard()
	defer in.Close()
	defer c.lines.CompareAndSwap(int32(fd), 0) // a later run may have another one
	if err := output.Lines(in, func(line string) { t.Console.OutputOf(c.Name, line) }); err != nil {
		t.Console.Say(health.Warning, err.Error())
	}
}
