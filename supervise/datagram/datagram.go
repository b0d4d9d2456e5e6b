// Package datagram is how a release, its heart and services tell PID 1 something: datagrams on
// sockets of the node (unix(7)). Who may write to one is said by its owner and mode, who did by
// the kernel, and nothing that comes along with one makes PID 1 wait.
package datagram

import (
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"github.com/beaminit/beaminit/internal/proc"
	"golang.org/x/sys/unix"
)

// Pace is the time between two messages of one sender that are taken: who sends more has to wait,
// and PID 1 does not.
const Pace = 20 * time.Millisecond

// Listen makes the socket of that path, in the place of one that a PID 1 before
// this one left.
func Listen(path string, uid int, mode uint32) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err == nil {
		// bind(2) makes the file with the mode of the socket, less the umask.
		err = unix.Fchmod(fd, mode&0o700)
	}
	if err == nil {
		unix.Unlink(path)
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = Grant(path, uid, mode)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Grant gives the socket to a user.
func Grant(path string, uid int, mode uint32) error {
	if err := unix.Chown(path, uid, -1); err != nil {
		return err
	}
	return unix.Chmod(path, mode)
}

// Origin is where a datagram came from: whose it is by the word of the kernel, and the
// address that its socket is bound to.
type Origin struct {
	unix.Ucred
	name string
}

// Abstract is the address, if it is in no file system (unix(7), abstract): to a path that
// the release may have made, nothing is ever sent.
func (o Origin) Abstract() string {
	if len(o.name) > 1 && o.name[0] == '@' {
		return o.name
	}
	return ""
}

// Speaker is the child of PID 1 that a process is, or is below of. One that has ended since it
// said its word, as systemd-notify(1) does at once, is below own, if it was of the same user: with
// release.wrapper all may write to the socket. 0 is a process of another pid namespace
// (pid_namespaces(7)).
func (o Origin) Speaker(own int) int {
	pid := int(o.Pid)
	if pid == 0 || proc.Parent(pid) != 0 {
		return proc.TopAncestor(pid)
	}
	var st unix.Stat_t
	if o.Uid != 0 && (unix.Stat("/proc/"+strconv.Itoa(own), &st) != nil || st.Uid != o.Uid) {
		return 0
	}
	return own
}

// receive waits for a datagram, if how does not say otherwise (recvmsg(2)), and says who
// sent it. One that does not fit into b, or comes from nobody known, has length 0.
func receive(fd int, b []byte, how int) (n int, from Origin, err error) {
	var room [8]uint64 // aligned for what the kernel puts there
	// No more room than for the credentials: descriptors that come along are closed by
	// the kernel (unix(7), SCM_RIGHTS), or they would stay open in PID 1.
	oob := unsafe.Slice((*byte)(unsafe.Pointer(&room)), unix.CmsgSpace(unix.SizeofUcred))
	for {
		n, oobn, flags, addr, err := unix.Recvmsg(fd, b, oob, how)
		if err == unix.EINTR {
			continue
		}
		cred := sender(oob[:max(oobn, 0)])
		if err != nil || cred == nil || flags&unix.MSG_TRUNC != 0 {
			return 0, from, err
		}
		from.Ucred = *cred
		if a, ok := addr.(*unix.SockaddrUnix); ok {
			from.name = a.Name
		}
		return n, from, nil
	}
}

// Datagram is one that was taken from a socket.
type Datagram struct {
	Text []byte
	From Origin
}

// HasFiles says that descriptors came along with the datagram that is first in a socket. Who takes it
// lets go of them, and where they are the last of their files that can take as long as who sent them
// wants: a connection lingers (socket(7), SO_LINGER), a file that is in no directory any more is
// emptied. So the loop leaves it to the goroutine that looks after that socket. To look takes nothing.
func HasFiles(fd int) (yes bool, err error) {
	var b [1]byte
	var room [8]uint64
	oob := unsafe.Slice((*byte)(unsafe.Pointer(&room)), unix.CmsgSpace(unix.SizeofUcred))
	_, _, flags, _, err := unix.Recvmsg(fd, b[:], oob, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return flags&unix.MSG_CTRUNC != 0, err
}

// letGo is how long letting go of descriptors may take, before a signal ends the wait for a connection.
const letGo = time.Second

// Take is receive for such a goroutine, where something has come.
func Take(fd int, b []byte) (n int, from Origin, err error) {
	runtime.LockOSThread() // it is the thread that waits
	defer runtime.UnlockOSThread()
	thread := unix.Gettid()
	end := time.AfterFunc(letGo, func() { unix.Tgkill(unix.Getpid(), thread, unix.SIGURG) }) // the Go runtime's own, that means nothing
	defer end.Stop()
	return receive(fd, b, unix.MSG_DONTWAIT)
}

// TakeWithFiles is for that goroutine: the first datagram, if descriptors came along with it; nil: none
// did, and it stays in the socket, for what somebody has in hand who falls is lost.
func TakeWithFiles(fd int, longest int) *Datagram {
	if yes, _ := HasFiles(fd); !yes {
		return nil
	}
	b := make([]byte, longest)
	n, from, _ := Take(fd, b)
	return &Datagram{b[:n], from}
}

// TakeWithoutFiles is for the loop: the first datagram, if no descriptors came along with it.
func TakeWithoutFiles(fd int, longest int) *Datagram {
	if yes, err := HasFiles(fd); yes || err != nil {
		return nil
	}
	b := make([]byte, longest)
	n, from, err := receive(fd, b, unix.MSG_DONTWAIT)
	if err != nil {
		return nil
	}
	return &Datagram{b[:n], from}
}

// sender is who sent a datagram, by the word of the kernel (unix(7), SCM_CREDENTIALS).
func sender(oob []byte) *unix.Ucred {
	if len(oob) < unix.CmsgSpace(unix.SizeofUcred) {
		return nil
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_CREDENTIALS {
		return nil
	}
	return (*unix.Ucred)(unsafe.Pointer(&oob[unix.CmsgLen(0)]))
}
