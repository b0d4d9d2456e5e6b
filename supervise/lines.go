package supervise

import (
	"errors"
	"io"
	"os"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// lineFiles are the descriptors of a child whose output is lines of the console, with its
// name in front. The runtime's poller waits for them, so no thread does.
func (l *Loop) lineFiles(c *child) (Files, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return Files{}, err
	}
	l.followLines(p[0], c)
	return Files{Child: []int{l.null, p[1], p[1]}, CloseChild: []int{p[1]}}, nil
}

// followLines has the read end of such a pipe read.
func (l *Loop) followLines(fd int, c *child) {
	unix.SetNonblock(fd, true)
	c.lines.Store(int32(fd))
	go l.readLines(os.NewFile(uintptr(fd), c.Name), fd, c)
}

// readLines puts what a child writes on the console, until nobody has the other end.
func (l *Loop) readLines(in *os.File, fd int, c *child) {
	defer func() { l.crashed(recover()) }()
	defer in.Close()
	defer c.lines.CompareAndSwap(int32(fd), 0) // a later run may have another one
	say := func(line string) { l.Console.OutputOf(c.Name, line) }
	var lines splitter
	buf := make([]byte, 1<<10)
	for {
		n, err := in.Read(buf)
		lines.take(buf[:max(n, 0)], say)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				l.Console.Say(health.Warning, err.Error())
			}
			lines.take([]byte{'\n'}, say) // the last line may have no end
			return
		}
	}
}
