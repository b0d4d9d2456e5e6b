package supervise

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise/evidence"
	"golang.org/x/sys/unix"
)

// output is what the loop knows of what the release says.
type output struct {
	write, read int           // the ends of the pipe that it writes to; read is -1 where there is none
	ring        evidence.Ring // the last of it
	busy        atomic.Bool   // some of it is read, and not in ring and console yet
}

// longestLine is where a line of the release without an end is cut, in bytes.
const longestLine = 900

// startOutput makes the pipe that the release writes its output to. PID 1 keeps
// both ends, so that it outlives each run of the release.
func (l *Loop) startOutput() {
	if r := l.Resume; r != nil && r.Output[0] > 0 {
		l.output.read, l.output.write = r.Output[0], r.Output[1]
		return
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		l.Console.Say(health.Err, "pipe for the release's output: "+err.Error()+"; it goes to /dev/null")
		l.output.write, l.output.read = l.null, -1
		return
	}
	l.output.write, l.output.read = p[1], p[0]
}

// readOutput empties that pipe for ever. It never waits for the console, so the
// release never waits for it.
func (l *Loop) readOutput() {
	if l.output.read < 0 {
		return
	}
	go func() {
		defer func() { l.crashed(recover()) }()
		var lines splitter
		buf := make([]byte, 8<<10)
		for {
			fds := [1]unix.PollFd{{Fd: int32(l.output.read), Events: unix.POLLIN}}
			if _, err := unix.Poll(fds[:], -1); err != nil && err != unix.EINTR {
				return
			}
			if fds[0].Revents == 0 {
				continue
			}
			l.output.busy.Store(true) // before the pipe is empty: see awaitOutput
			n, err := unix.Read(l.output.read, buf)
			if err != nil && err != unix.EINTR || n == 0 {
				return
			}
			fault.At("output")
			if n > 0 {
				l.output.ring.Add(buf[:n])
				lines.take(buf[:n], l.Console.Output)
			}
			l.output.busy.Store(false)
		}
	}()
}

// outputDrain is how long the node waits on its way down for what the release said last.
const outputDrain = 200 * time.Millisecond

// awaitOutput waits until the last words of the release are out of its pipe and on their
// way to the console, that long at most: something else may go on writing to it.
func (l *Loop) awaitOutput(limit time.Duration) {
	for end := now() + limit; now() < end; {
		n, err := unix.IoctlGetInt(l.output.read, unix.TIOCINQ)
		if err != nil || n == 0 && !l.output.busy.Load() {
			return
		}
		pause := unix.NsecToTimespec(int64(time.Millisecond / 2))
		unix.Nanosleep(&pause, nil)
	}
}

// splitter makes lines of a stream.
type splitter struct{ part []byte }

// take gives every line that b completes to line. Blank lines are left out:
// on a console that other programs share they say nothing.
func (s *splitter) take(b []byte, line func(string)) {
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		whole := end >= 0
		if !whole {
			end = len(b)
		}
		room := longestLine - len(s.part)
		n := min(end, room)
		s.part = append(s.part, b[:n]...)
		if n < end { // too long: the rest becomes the next line
			line(string(s.part))
			s.part, b = s.part[:0], b[n:]
			continue
		}
		if b = b[end:]; whole {
			b = b[1:]
			if text := bytes.TrimRight(s.part, "\r "); len(text) > 0 {
				line(string(text))
			}
			s.part = s.part[:0]
		}
	}
}
