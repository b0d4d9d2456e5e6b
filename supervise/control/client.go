package control

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// The reasons why there is no answer.
var (
	ErrNobody     = errors.New("no such socket: the PID 1 of this system is no beaminit, or it has not come so far yet")
	ErrPermission = errors.New("permission denied: only root may ask PID 1")
	ErrSilent     = errors.New("PID 1 does not answer")
)

// retryPause is between two attempts to reach a PID 1 that is busy, or is just
// executing its program anew.
const retryPause = 20 * time.Millisecond

// Conn is a client's end of the socket. It is bound to a name of the kernel's choice
// (unix(7), autobind), in the network namespace, which has to be that of PID 1.
type Conn struct {
	path string
	fd   int
	id   uint32
}

// Dial makes a client; it does not talk to PID 1 yet.
func Dial(path string) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{})
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &Conn{path: path, fd: fd, id: uint32(unix.Getpid()) << 16}, nil // an answer to one who had the name before is none
}

// Close ends the client.
func (c *Conn) Close() error { return unix.Close(c.fd) }

// Ask sends a command and waits for its answer, at most until limit is over. A PID 1
// that is not there, or has no room, may be so for a moment only: until then it is
// tried again. A command that has been sent is not, but for Status, which changes
// nothing.
func (c *Conn) Ask(command, argument string, limit time.Duration) (a Answer, err error) {
	deadline := time.Now().Add(limit)
	for {
		if a, err = c.once(command, argument, deadline); err == nil && a.Verdict != Busy {
			return a, nil
		}
		late := !time.Now().Add(retryPause).Before(deadline)
		switch err {
		case unix.EACCES, unix.EPERM:
			return a, ErrPermission
		case unix.ENOENT, unix.ENOTDIR:
			if command == Status || late {
				return a, ErrNobody
			}
		case nil, unix.EAGAIN, unix.ECONNREFUSED:
			if late {
				return a, ErrSilent
			}
		case errLost:
			if command != Status || late {
				return a, ErrSilent
			}
		default:
			return a, err
		}
		time.Sleep(retryPause)
	}
}

// errLost: sent, and not answered in time.
var errLost = errors.New("no answer")

// statusWait is how long an answer that PID 1 has at hand is waited for.
const statusWait = 500 * time.Millisecond

// once is one attempt.
func (c *Conn) once(command, argument string, deadline time.Time) (Answer, error) {
	c.id++
	message := Request{ID: c.id, Command: command, Argument: argument}.Encode()
	if err := unix.Sendto(c.fd, message, 0, &unix.SockaddrUnix{Name: c.path}); err != nil {
		return Answer{}, err
	}
	if soon := time.Now().Add(statusWait); command == Status && soon.Before(deadline) {
		deadline = soon
	}
	return c.wait(deadline)
}

// wait waits for the answer to the last request, by root: every user can send to an
// abstract name.
func (c *Conn) wait(deadline time.Time) (Answer, error) {
	buf := make([]byte, MaxAnswer+1)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return Answer{}, errLost
		}
		fds := [1]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds[:], int(left/time.Millisecond)+1); err != nil && err != unix.EINTR {
			return Answer{}, err
		}
		var oob credentials
		n, oobn, _, _, err := unix.Recvmsg(c.fd, buf, oob[:], 0)
		if user, _, known := sender(oob[:max(oobn, 0)]); err != nil || !known || user != 0 {
			continue
		}
		if a, err := parseAnswer(buf[:n]); err == nil && a.ID == c.id {
			return a, nil
		}
	}
}
