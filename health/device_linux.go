package health

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/beaminit/beaminit/internal/logfmt"
	"golang.org/x/sys/unix"
)

// maxLine is how much text one kmsg record takes: printk refuses more than about
// 1,000 bytes with its prefix, and a refused line would be lost.
const maxLine = 940

// maxPending is how much waits for a tty that takes nothing, in bytes. A line of 9,600
// bit/s takes it in 17 s.
const maxPending = 16 << 10

// device is where a console's lines go. That is the kernel's log, where they stay whole
// and come to every console; a kernel that has none, or was told to take nothing
// (printk.devkmsg=off), leaves the tty of the console. A write to a tty can block for
// ever (flow control, nobody reading), so it is opened with O_NONBLOCK, what it does not
// take waits in memory, and what is too much is lost and counted.
type device struct {
	kmsg, tty string // paths
	fd        int    // -1: not open
	stream    bool   // fd is the standard output of a container
	onTTY     bool   // fd is that of the tty, or stream
	limited   bool   // the kernel drops lines of one descriptor beyond ten in five seconds
	pending   []byte // for the tty, whole lines but for the first
}

// open opens it, where it is not. late: it is time to take the tty where there is no
// kernel's log; before, /dev may not be mounted yet.
func (d *device) open(late bool) bool {
	if d.fd >= 0 {
		return true
	}
	if d.kmsg == "" {
		return false
	}
	limited := admitKmsg()
	fd, err := openWrite(d.kmsg)
	if err == nil {
		d.fd, d.limited = fd, limited
		return true
	}
	if late || errors.Is(err, unix.EPERM) {
		if fd, err = openWrite(d.tty); err == nil {
			d.fd, d.onTTY = fd, true
		}
	}
	return d.fd >= 0
}

func openWrite(path string) (int, error) {
	return unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}

// OpenStdout takes the standard output in place of the kernel's log, which in a container
// is another's. Who reads it may stand still.
func (c *Console) OpenStdout() {
	c.dev.fd, c.dev.onTTY, c.dev.stream = unix.Stdout, true, true
}

// takes says whether the device takes that much without waiting: of a stream, which others
// have open too and which therefore is not made O_NONBLOCK, only poll(2) tells, and
// speaks for PIPE_BUF bytes (pipe(7)).
func (d *device) takes() (n int) {
	if !d.stream {
		return len(d.pending)
	}
	fds := []unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLOUT}}
	if ready, err := unix.Poll(fds, 0); err != nil || ready == 0 {
		return 0
	}
	return min(len(d.pending), pipeBuf)
}

const pipeBuf = 4096 // linux/limits.h

// openLate is for the time when all is mounted that will be.
func (c *Console) openLate() {
	c.mu.Lock()
	waits := len(c.early) > 0
	c.mu.Unlock()
	if waits {
		c.mu.Lock()
		c.dev.open(true)
		c.mu.Unlock()
	}
}

// put writes a line to the open device; false: it is lost.
func (c *Console) put(m message) bool {
	text := m.speaker + m.text
	if !m.record {
		text = logfmt.Foreign(logfmt.Printable(text[:min(len(text), maxLine)]))
	}
	c.mu.Lock()
	if c.dev.onTTY {
		defer c.mu.Unlock()
		return c.dev.putTTY(text)
	}
	fd, limited := c.dev.fd, c.dev.limited
	c.mu.Unlock()
	if limited && m.speaker == Speaker { // each descriptor has ten lines of its own
		if own, err := openWrite(c.dev.kmsg); err == nil {
			defer unix.Close(own)
			fd = own
		}
	}
	// The line end matters: without it a record stays invisible until the next one.
	line := append(strconv.AppendUint([]byte{'<'}, uint64(facility|m.severity), 10), '>')
	n, err := unix.Write(fd, append(append(line, text...), '\n'))
	return err == nil && n > 0
}

// putTTY writes a line to a tty, or as much of it as the tty takes.
func (d *device) putTTY(text string) bool {
	if len(d.pending)+len(text) > maxPending {
		d.flush()
		if len(d.pending)+len(text) > maxPending {
			return false
		}
	}
	d.pending = append(append(d.pending, text...), '\n')
	d.flush()
	return true
}

func (d *device) flush() {
	for len(d.pending) > 0 {
		n := d.takes()
		if n == 0 {
			return
		}
		n, err := unix.Write(d.fd, d.pending[:n])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			if err != unix.EAGAIN { // hung up: the lines that wait are lost, the next may not be
				d.pending = d.pending[:0]
			}
			return
		}
		d.pending = bytes.Clone(d.pending[n:])
	}
}

// ttyPause is the time between two tries to write what waits for the tty.
const ttyPause = 50 * time.Millisecond

// flushTTY writes what waits for the tty. The channel says when to try again; nil: there
// is no need to.
func (c *Console) flushTTY() <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dev.onTTY {
		return nil
	}
	if c.dev.flush(); len(c.dev.pending) == 0 {
		return nil
	}
	return time.After(ttyPause)
}

// settleTTY gives the tty that long to take what waits, and then nothing more: with the
// last descriptor of a serial port the kernel waits for what was written, 30 s long.
func (c *Console) settleTTY(limit time.Duration) {
	for end := time.Now().Add(limit); c.flushTTY() != nil && time.Now().Before(end); {
		time.Sleep(ttyPause / 10)
	}
}
