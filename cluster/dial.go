package cluster

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// dial is one attempt to get something out of a distribution port, without waiting for
// it: the monitor has many at a time, and one that hangs must not keep it from the others.
type dial struct {
	fd       int
	peer     int    // whom it concerns; -1: the release of this node
	hello    []byte // to be said; nil: the connection alone is the answer
	judge    func([]byte) Answer
	begun    time.Duration
	deadline time.Duration
	asked    bool // hello was said
	have     []byte
	most     int // bytes that have may become

	done   bool
	answer Answer
	met    bool // the machine answered, if only to refuse
	took   time.Duration
}

// dial begins a handshake with what listens there.
func (w *Watch) dial(at netip.AddrPort) *dial {
	d := newDial(at, w.Limit)
	d.most = maxAnswer
	d.hello, d.judge = sendName(w.Node), judge
	if w.TLS {
		d.hello, d.judge = clientHello(bothVersions), judgeTLS
	}
	return d
}

// dialAgain is for a peer with which no connection comes about: where TLS is spoken, its
// certificate is asked for too, which TLS 1.2 shows to everybody.
func (w *Watch) dialAgain(at netip.AddrPort) *dial {
	d := w.dial(at)
	if w.TLS {
		d.hello, d.judge, d.most = clientHello(oldVersion), judgeCertificate, maxCertificates
	}
	return d
}

// How long an answer may be, in bytes: a status and a challenge; a chain of certificates.
const (
	maxAnswer       = 512
	maxCertificates = 16 << 10
)

// tcpPing begins a connection that ends as soon as it is made, or refused: either is a sign
// of life of the machine.
func tcpPing(at netip.AddrPort, limit time.Duration) *dial { return newDial(at, limit) }

func newDial(at netip.AddrPort, limit time.Duration) *dial {
	d := &dial{fd: -1, peer: -1, begun: now()}
	d.deadline = d.begun + limit
	family := unix.AF_INET6
	if at.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		d.end(Refused)
		return d
	}
	d.fd = fd
	// A connection that has served its end leaves nothing behind at the other one: RST.
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	switch err := unix.Connect(fd, sockaddr(at)); err {
	case nil, unix.EINPROGRESS:
	default:
		d.refused(err)
	}
	return d
}

func (d *dial) end(a Answer) {
	if d.fd >= 0 {
		unix.Close(d.fd)
		d.fd = -1
	}
	d.done, d.answer, d.took = true, a, now()-d.begun
}

// refused ends a dial that came to no connection.
func (d *dial) refused(err error) {
	d.met = err == unix.ECONNREFUSED
	if d.met {
		d.end(Refused)
	} else {
		d.end(Unanswered)
	}
}

// cost is how much of the CPU a dial takes, about, as long as nothing but the kernel answers:
// it is the time of one that is refused at once.
func (d *dial) cost() time.Duration {
	if d.answer != Refused {
		return 0
	}
	return d.took
}

// want is what poll(2) is to wait for.
func (d *dial) want() unix.PollFd {
	if d.asked {
		return unix.PollFd{Fd: int32(d.fd), Events: unix.POLLIN}
	}
	return unix.PollFd{Fd: int32(d.fd), Events: unix.POLLOUT}
}

// ready goes on with a dial whose descriptor is.
func (d *dial) ready() {
	if d.asked {
		d.read()
		return
	}
	if code, err := unix.GetsockoptInt(d.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || code != 0 {
		d.refused(unix.Errno(code))
		return
	}
	d.met = true
	if d.hello == nil {
		d.end(Answered)
		return
	}
	if _, err := unix.Write(d.fd, d.hello); err != nil {
		d.end(Refused)
		return
	}
	d.asked = true
}

func (d *dial) read() {
	var b [512]byte
	n, err := unix.Read(d.fd, b[:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil || n <= 0 || len(d.have)+n > d.most:
		d.end(Strange)
		return
	}
	d.have = append(d.have, b[:n]...)
	if a := d.judge(d.have); a != 0 {
		d.end(a)
	}
}

// expire ends a dial whose time is up.
func (d *dial) expire(at time.Duration) {
	switch {
	case d.done || at < d.deadline:
	case d.asked:
		d.end(Silent)
	default:
		d.end(Unanswered)
	}
}

// wait goes on with a dial, for whoever has only one.
func (d *dial) wait() {
	fds := [1]unix.PollFd{d.want()}
	n, err := unix.Poll(fds[:], milliseconds(d.deadline-now()))
	if n > 0 && err == nil {
		d.ready()
	}
	d.expire(now())
}

// milliseconds are those to wait, rounded up: poll(2) must not return before.
func milliseconds(d time.Duration) int {
	return max(0, int((d+time.Millisecond-1)/time.Millisecond))
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// now is CLOCK_BOOTTIME (clock_gettime(2)): it never jumps, and counts from the
// kernel's own start.
func now() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}
