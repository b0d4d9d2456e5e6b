package control

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Server is PID 1's end of the socket.
type Server struct {
	fd          int
	Incarnation uint64 // of its answers
	Version     string
	buf         [MaxMessage + 1]byte
	oob         credentials
}

// credentials is room for a control message with exactly the sender's credentials:
// descriptors that somebody sends along find none, and the kernel closes them (unix(7),
// SCM_RIGHTS).
type credentials [unix.SizeofCmsghdr + (unix.SizeofUcred+wordSize-1)/wordSize*wordSize]byte

// wordSize is what the kernel aligns control messages to, in bytes (cmsg(3)).
const wordSize = int(unsafe.Sizeof(uintptr(0)))

// Listen makes the socket, in the place of one that a PID 1 before this one left: at no time there
// is none of that name. It
// cannot be written to by any other user at any time: bind(2) makes the file with the
// mode of the socket, which fchmod(2) sets (linux/net/unix/af_unix.c, unix_bind_bsd).
func Listen(path string) (*Server, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	err = unix.Fchmod(fd, 0o600)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	}
	if err == nil {
		fresh := path + ".new"
		unix.Unlink(fresh)
		if err = unix.Bind(fd, &unix.SockaddrUnix{Name: fresh}); err == nil {
			err = unix.Rename(fresh, path)
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("bind %s: %w", path, err)
	}
	return &Server{fd: fd}, nil
}

// A Client is whom an answer goes to.
type Client struct {
	PID int32
	id  uint32
	to  *unix.SockaddrUnix
}

// Next waits for the next request of root. Everything else it deals with itself: a
// message that is none, or of another user, gets a word back if it can. An error means
// that the socket is of no use any more.
func (s *Server) Next() (Request, Client, error) {
	for {
		n, oobn, flags, from, err := unix.Recvmsg(s.fd, s.buf[:], s.oob[:], 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Request{}, Client{}, fmt.Errorf("recvmsg: %w", err)
		}
		to, _ := from.(*unix.SockaddrUnix)
		c := Client{to: to}
		user, pid, known := sender(s.oob[:oobn])
		c.PID = pid
		r, err := parseRequest(s.buf[:n])
		if flags&unix.MSG_TRUNC != 0 {
			err = errNotOurs
		}
		c.id = r.ID
		switch {
		case !known || user != 0:
			s.Answer(c, No, "permission denied: only root may ask PID 1")
		case err != nil:
			s.Answer(c, No, err.Error())
		default:
			return r, c, nil
		}
	}
}

// sender reads who sent a message (unix(7), SCM_CREDENTIALS): the kernel has looked
// at that, so it is true.
func sender(oob []byte) (uid uint32, pid int32, known bool) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return 0, 0, false
	}
	cred, err := unix.ParseUnixCredentials(&messages[0])
	if err != nil {
		return 0, 0, false
	}
	return cred.Uid, cred.Pid, true
}

// Answer answers a request, without waiting: a client that does not read goes without.
// So does one that is bound to a file: to find it could take PID 1 to a file system
// that hangs. Abstract names have no place (unix(7)).
//
// Each answer has a socket of its own: as long as it is not read it fills the buffer of
// the socket that sent it (SO_SNDBUF, socket(7)), and with one for all, a hundred clients
// that do not read would silence PID 1.
func (s *Server) Answer(c Client, v Verdict, text string) {
	if c.to == nil || len(c.to.Name) < 2 || c.to.Name[0] != '@' {
		return
	}
	a := Answer{ID: c.id, Verdict: v, Incarnation: s.Incarnation, Version: s.Version, Text: text}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	unix.Sendto(fd, a.Encode(), unix.MSG_DONTWAIT, c.to)
	unix.Close(fd)
}
