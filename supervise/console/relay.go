package console

import (
	"time"

	"github.com/beaminit/beaminit/config"
	"golang.org/x/sys/unix"
)

// RelayName is the name under which the binary is the relay.
const RelayName = "beaminit-tty"

// patience is the time between two tries to open a tty that is not there.
const patience = time.Second

// Relay carries the bytes between a tty and the pty of the release.
type Relay struct {
	Path    string // of the tty
	Options config.TTYOptions
	Master  int               // the pty
	Ring    int               // where the last output is kept
	Say     func(line string) // for the node's console

	tty   int    // -1: not open
	out   queue  // for the tty
	in    []byte // typed, and not taken by the pty yet
	said  string // why it is not open
	total uint64 // bytes that the release wrote
}

// Run tries again what fails. It returns where it may not open the tty: another process may,
// that is started for the tty as it is now.
func (r *Relay) Run() {
	r.tty, r.total = -1, ring{r.Ring}.mark(ringWritten)
	next := time.Duration(0)
	for {
		if r.tty < 0 && now() >= next && r.Path != "" {
			if !r.open() {
				return
			}
			next = now() + patience
		}
		r.await(next)
	}
}

// open tries to; false: it never may. Why it fails is said once.
func (r *Relay) open() (may bool) {
	fd, err := openLine(r.Path, r.Options)
	if err == unix.EACCES { // another device than the one that it was started for (launch.Sandbox)
		return false
	}
	if err != nil {
		if why := err.Error(); why != r.said {
			r.said = why
			r.Say(r.Path + ": " + why + "; the shell of the release waits for it")
		}
		return true
	}
	if r.said != "" {
		r.said = ""
		r.Say(r.Path + ": the shell of the release is there")
	}
	r.tty = fd
	shareSize(fd, r.Master)
	return true
}

// hungUp closes the tty. It is opened anew after patience: that sets all of it again.
func (r *Relay) hungUp(why string) {
	unix.IoctlSetInt(r.tty, unix.TCFLSH, unix.TCIOFLUSH)
	unix.Close(r.tty)
	r.tty, r.said, r.in = -1, why, nil
	r.Say(r.Path + ": " + why + "; the shell of the release waits for it")
}

// await sleeps until there are bytes to carry, or the tty is to be tried again, and
// carries them. The release's output is read whatever the tty does; what is typed is
// read only when the release has taken what was typed before.
func (r *Relay) await(next time.Duration) {
	fds := [2]unix.PollFd{{Fd: int32(r.Master), Events: unix.POLLIN}, {Fd: int32(r.tty)}} // a negative one is passed over
	timeout := -1
	if r.tty < 0 {
		timeout = int(max(next-now(), 0)/time.Millisecond) + 1
	}
	if len(r.in) > 0 {
		fds[0].Events |= unix.POLLOUT
	} else {
		fds[1].Events |= unix.POLLIN
	}
	if !r.out.empty() {
		fds[1].Events |= unix.POLLOUT
	}
	if n, err := unix.Poll(fds[:], timeout); n <= 0 || err != nil {
		return
	}
	if fds[0].Revents&unix.POLLOUT != 0 {
		r.deliver()
	}
	switch e := fds[0].Revents; {
	case e&unix.POLLIN != 0:
		r.readRelease()
	case e&(unix.POLLHUP|unix.POLLERR) != 0: // nobody has the other end; PID 1 should
		time.Sleep(patience / 10)
	}
	switch e := fds[1].Revents; {
	case r.tty < 0:
	case e&unix.POLLIN != 0:
		r.readTTY()
	case e&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0:
		r.hungUp("hung up")
	}
	if r.tty >= 0 && fds[1].Revents&unix.POLLOUT != 0 {
		r.writeTTY()
	}
}

func (r *Relay) readRelease() {
	var b [4 << 10]byte
	n, err := unix.Read(r.Master, b[:])
	if err != nil || n <= 0 {
		return
	}
	r.total = ring{r.Ring}.add(r.total, b[:n])
	r.out.add(b[:n])
}

func (r *Relay) readTTY() {
	var b [1 << 10]byte
	n, err := unix.Read(r.tty, b[:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != nil:
		r.hungUp(err.Error())
	case n == 0:
		r.hungUp("hung up")
	default:
		r.in = append(r.in, b[:n]...)
		r.deliver()
	}
}

// deliver gives the pty what was typed, as far as there is room.
func (r *Relay) deliver() {
	n, err := unix.Write(r.Master, r.in)
	if err != nil && err != unix.EAGAIN && err != unix.EINTR {
		n = len(r.in) // nobody will ever take it
	}
	r.in = r.in[:copy(r.in, r.in[max(n, 0):])]
}

func (r *Relay) writeTTY() {
	n, err := unix.Write(r.tty, r.out.next())
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != nil:
		r.hungUp(err.Error())
	default:
		r.out.taken(n)
	}
}

func now() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return time.Duration(ts.Nano())
}
