package namespace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// Console is a node's kernel log as its serial console has it: each record with the time since the node
// was started, and without its level (kernel Documentation/ABI/testing/dev-kmsg).
type Console struct {
	log   *os.File
	lines *bufio.Reader
	begun time.Time
	left  []byte
	over  atomic.Bool
}

// NewConsole gives the console of a node that was just started.
func NewConsole(n *Node) *Console {
	return &Console{log: n.Log, lines: bufio.NewReaderSize(n.Log, 16<<10), begun: time.Now()}
}

// Read gives what the console has said.
func (c *Console) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		line, err := c.lines.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull || c.over.Load() && string(line) == endOfLog {
			return 0, io.EOF
		}
		c.left = c.stamped(line)
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// endOfLog is the line behind a node's last one.
const endOfLog = "\x00\n"

// End says that the node has ended: Read comes to its end when all that it wrote is read.
func (c *Console) End() {
	c.over.Store(true)
	c.log.WriteString(endOfLog)
}

func (c *Console) stamped(line []byte) []byte {
	for i, b := range line[:min(len(line), 5)] {
		if b == '>' && i > 0 && line[0] == '<' {
			return fmt.Appendf(nil, "[%12.6f] %s", time.Since(c.begun).Seconds(), line[i+1:])
		}
	}
	return line
}

// errNoTyping: who sits at a node's kernel log can only read.
var errNoTyping = errors.New("a namespace's console is its kernel log, on which nobody can type: lab shell has its ttyS1")

func (c *Console) Write([]byte) (int, error) { return 0, errNoTyping }

// SetDeadline and SetReadDeadline are those of the log; nothing is ever written.
func (c *Console) SetDeadline(t time.Time) error      { return c.log.SetReadDeadline(t) }
func (c *Console) SetReadDeadline(t time.Time) error  { return c.log.SetReadDeadline(t) }
func (c *Console) SetWriteDeadline(t time.Time) error { return nil }

// Close ends Read.
func (c *Console) Close() error { return c.log.Close() }
