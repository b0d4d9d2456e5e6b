// Package output is what children say, on its way to the console as lines: the pipe of the
// release, which outlives each run of it, and the streams of the others.
package output

import (
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise/evidence"
	"golang.org/x/sys/unix"
)

// Pipe is where the release writes its output to. PID 1 keeps both ends, so that it outlives
// each run of the release.
type Pipe struct {
	Write, Read int           // the ends; Read is -1 where there is none
	ring        evidence.Ring // the last of what was said
	busy        atomic.Bool   // some of it is read, and not in ring and console yet
}

// Open makes the pipe (pipe2(2)).
func (p *Pipe) Open() error {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	p.Read, p.Write = ends[0], ends[1]
	return nil
}

// Empty reads the pipe for ever, on a goroutine of its own, and gives each line to say, which
// must not wait: so the release never waits for the console.
func (p *Pipe) Empty(say func(line string)) {
	var lines splitter
	buf := make([]byte, 8<<10)
	for {
		fds := [1]unix.PollFd{{Fd: int32(p.Read), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds[:], -1); err != nil && err != unix.EINTR {
			return
		}
		if fds[0].Revents == 0 {
			continue
		}
		p.busy.Store(true) // before the pipe is empty: see Await
		n, err := unix.Read(p.Read, buf)
		if err != nil && err != unix.EINTR || n == 0 {
			return
		}
		fault.At("output")
		if n > 0 {
			p.ring.Add(buf[:n])
			lines.take(buf[:n], say)
		}
		p.busy.Store(false)
	}
}

// Await waits until the last words of the release are out of the pipe and on their way to the
// console, that long at most: something else may go on writing to it.
func (p *Pipe) Await(limit time.Duration) {
	for end := clock.Monotonic() + limit; clock.Monotonic() < end; {
		n, err := unix.IoctlGetInt(p.Read, unix.TIOCINQ)
		if err != nil || n == 0 && !p.busy.Load() {
			return
		}
		pause := unix.NsecToTimespec(int64(time.Millisecond / 2))
		unix.Nanosleep(&pause, nil)
	}
}

// Last is the last of what was said.
func (p *Pipe) Last() (older, newer []byte) { return p.ring.Take() }
