package watch

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"sync"
)

const (
	maxLine   = 4096    // bytes; a longer one is taken apart
	keptLines = 1000    // of each console, in memory
	maxLog    = 8 << 20 // bytes of a console.log before it becomes console.log.old
	behindMax = 256     // pieces that a slow follower may be behind
)

// Console keeps what a node says on its serial port: in a file, as lines in memory,
// and for those who follow it right now.
type Console struct {
	mu        sync.Mutex
	file      *os.File // nil: none
	path      string
	size      int64
	partial   []byte   // of a line that is not at its end
	lines     [][]byte // the last, the oldest first
	total     int      // lines ever
	followers []chan []byte
	more      chan struct{} // closed when a line comes, and made anew
}

// NewConsole has what it is given written to a new file at path, too.
func NewConsole(path string) (*Console, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("console log: %w", err)
	}
	return &Console{file: f, path: path, more: make(chan struct{})}, nil
}

// Took takes a piece of output, of any length, and gives the lines that it ends.
func (c *Console) Took(piece []byte) (done [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log(piece)
	for _, f := range c.followers {
		select {
		case f <- bytes.Clone(piece):
		default: // who does not read loses; the node never waits
		}
	}
	done = c.split(piece)
	if len(done) > 0 {
		c.lines = append(c.lines, done...)
		c.lines = c.lines[max(0, len(c.lines)-keptLines):]
		c.total += len(done)
		close(c.more)
		c.more = make(chan struct{})
	}
	return done
}

// split gives the lines that piece ends; what is left waits for the next piece.
func (c *Console) split(piece []byte) (done [][]byte) {
	for len(piece) > 0 {
		head, rest, ended := bytes.Cut(piece, []byte("\n"))
		c.partial = append(c.partial, head...)
		if !ended && len(c.partial) < maxLine {
			break
		}
		line := bytes.TrimRight(c.partial, "\r")
		c.partial = nil
		piece = rest
		done = append(done, line)
	}
	return done
}

// log writes to the file; that the disk is full must not stop a node.
func (c *Console) log(piece []byte) {
	if c.file == nil {
		return
	}
	if c.size > maxLog {
		c.file.Close()
		os.Rename(c.path, c.path+".old")
		f, err := os.Create(c.path)
		if err != nil {
			return
		}
		c.file, c.size = f, 0
	}
	n, _ := c.file.Write(piece)
	c.size += int64(n)
}

// Tail gives the last n lines.
func (c *Console) Tail(n int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, l := range c.lines[max(0, len(c.lines)-max(0, n)):] {
		out = append(out, string(l))
	}
	return out
}

// After gives the lines behind the first seen ones, how many there were in all, and a
// channel that is closed when there are more.
func (c *Console) After(seen int) (lines []string, total int, more <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := max(0, min(c.total-max(0, seen), len(c.lines)))
	for _, l := range c.lines[len(c.lines)-fresh:] {
		lines = append(lines, string(l))
	}
	return lines, c.total, c.more
}

// Follow gives everything from now on, until stop is called.
func (c *Console) Follow() (pieces <-chan []byte, stop func()) {
	ch := make(chan []byte, behindMax)
	c.mu.Lock()
	c.followers = append(c.followers, ch)
	c.mu.Unlock()
	return ch, func() {
		c.mu.Lock()
		c.followers = slices.DeleteFunc(c.followers, func(f chan []byte) bool { return f == ch })
		c.mu.Unlock()
	}
}
