package cli

import (
	"errors"
	"os"
	"os/signal"

	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// session is a process with the rights of the release that works for whoever called this
// program, mostly root. It has a session of its own, and a terminal or pipes of its own:
// with those of its caller it could read what root types, type for root (ioctl_tty(2),
// TIOCSTI), and stay there when it has ended.
type session struct {
	pid  int
	out  [2]*printed
	from []int // what it writes is read here, and goes to standard output and standard error
	to   int   // what is typed goes there; -1: nothing does
	in   []byte
	done chan unix.WaitStatus
	wake [2]int // a byte for each thing that is neither typed nor written
	size chan os.Signal
	ends chan os.Signal
}

// start starts it: c with its bounds, a terminal or none, and one more descriptor.
func (v *remoteShell) start(c launch.Command, terminal bool, extra int) (*session, error) {
	c.Bounds, c.TTY = v.node.RemoteBounds(), terminal
	s := &session{out: [2]*printed{newPrinted(os.Stdout), newPrinted(os.Stderr)}, to: -1, done: make(chan unix.WaitStatus, 1), size: make(chan os.Signal, 1), ends: make(chan os.Signal, 1)}
	files, err := s.files(terminal)
	if err != nil {
		return nil, err
	}
	s.pid, err = c.Spawn(2, append(files, extra)...)
	for _, fd := range files {
		if fd > 2 {
			unix.Close(fd)
		}
	}
	if err != nil {
		return nil, errors.New("exec " + c.Path + ": " + err.Error())
	}
	return s, unix.Pipe2(s.wake[:], unix.O_CLOEXEC|unix.O_NONBLOCK)
}

// files are its first three descriptors.
func (s *session) files(terminal bool) ([]int, error) {
	if !terminal { // an answer; a shell draws what it wants
		null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		var out, errs [2]int
		if err := errors.Join(unix.Pipe2(out[:], unix.O_CLOEXEC|unix.O_NONBLOCK), unix.Pipe2(errs[:], unix.O_CLOEXEC|unix.O_NONBLOCK)); err != nil {
			return nil, err
		}
		unix.SetNonblock(out[1], false)
		unix.SetNonblock(errs[1], false)
		s.from = []int{out[0], errs[0]}
		return []int{null, out[1], errs[1]}, nil
	}
	s.out[0].text = false
	t, err := console.Open()
	if err != nil {
		return nil, err
	}
	unix.Close(t.Ring)
	if now, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		unix.IoctlSetTermios(t.Slave, unix.TCSETS, now)
	}
	s.from, s.to = []int{t.Master}, t.Master
	s.resize()
	return []int{t.Slave, t.Slave, t.Slave}, nil
}

// resize gives its terminal the size of this one.
func (s *session) resize() {
	if size, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ); err == nil && s.to >= 0 && size.Row > 0 {
		unix.IoctlSetWinsize(s.to, unix.TIOCSWINSZ, size)
	}
}

// run carries what is typed and what it writes until it has ended, and gives its exit
// status as a shell has it.
func (s *session) run() int {
	if s.to >= 0 {
		defer raw()()
	}
	signal.Notify(s.size, unix.SIGWINCH)
	signal.Notify(s.ends, unix.SIGTERM, unix.SIGHUP, unix.SIGINT)
	go func() {
		var status unix.WaitStatus
		for {
			if _, err := unix.Wait4(s.pid, &status, 0, nil); err != unix.EINTR {
				break
			}
		}
		s.done <- status
		unix.Write(s.wake[1], []byte{0})
	}()
	go func() {
		for {
			select {
			case <-s.size:
				s.resize()
			case <-s.ends:
				unix.Kill(-s.pid, unix.SIGKILL)
			}
		}
	}()
	for {
		ended := len(s.done) > 0
		s.await(ended)
		if ended { // what it wrote last has been read
			return exitStatus(<-s.done)
		}
	}
}

// await waits for something to carry, and carries it; ended: for nothing.
func (s *session) await(ended bool) {
	fds := []unix.PollFd{{Fd: int32(s.wake[0]), Events: unix.POLLIN}, {Fd: -1}, {Fd: -1}}
	if s.to >= 0 && len(s.in) == 0 {
		fds[1] = unix.PollFd{Fd: 0, Events: unix.POLLIN}
	} else if s.to >= 0 {
		fds[2] = unix.PollFd{Fd: int32(s.to), Events: unix.POLLOUT}
	}
	for _, fd := range s.from {
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if !ended {
		if _, err := unix.Poll(fds, -1); err != nil {
			return
		}
	}
	for i, fd := range s.from {
		if fd >= 0 && !s.carry(fd, i+1) && !ended {
			s.from[i] = -1
		}
	}
	if fds[1].Revents != 0 {
		s.typed()
	}
	if len(s.in) > 0 {
		n, err := unix.Write(s.to, s.in)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			n = len(s.in) // nobody will ever take it
		}
		s.in = s.in[:copy(s.in, s.in[max(n, 0):])]
	}
}

// typed reads what was typed. At its end, the terminal has gone.
func (s *session) typed() {
	var b [4096]byte
	n, err := unix.Read(0, b[:])
	if err == unix.EINTR || err == unix.EAGAIN {
		return
	}
	if n <= 0 {
		unix.Kill(-s.pid, unix.SIGHUP)
		s.to = -1
		return
	}
	s.in = append(s.in, b[:n]...)
}

// carry hands on all that is there to be read; false: there is no more to come.
func (s *session) carry(from, to int) bool {
	var b [4096]byte
	for {
		n, err := unix.Read(from, b[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return true
		case err != nil || n == 0:
			return false
		default:
			s.out[to-1].Write(b[:n])
		}
	}
}

// raw has the terminal hand on each key as it is; undo is for the end.
func raw() (undo func()) {
	was, err := unix.IoctlGetTermios(0, unix.TCGETS)
	if err != nil {
		return func() {}
	}
	now := *was
	now.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	now.Oflag &^= unix.OPOST
	now.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 1, 0
	unix.IoctlSetTermios(0, unix.TCSETS, &now)
	// What the terminal has answered meanwhile, to what the release may have asked of it, is
	// for no shell of root's to read (ioctl_tty(2), TCSETSF).
	return func() { unix.IoctlSetTermios(0, unix.TCSETSF, was) }
}

func exitStatus(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
