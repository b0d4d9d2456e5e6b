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
	pid     int
	out     [2]*printed // standard output and standard error of this program
	from    []int       // what the process writes is read here, for out
	to      int         // what is typed goes there; -1: nothing does
	typing  []byte      // what was typed, and has not been taken yet
	ended   chan unix.WaitStatus
	wake    [2]int         // a pipe: a byte in it ends the wait for what is typed and written
	resized chan os.Signal // SIGWINCH
	killed  chan os.Signal // the signals that end this program
}

// start starts it: c with its bounds, a terminal or none, and one more descriptor.
func (v *remoteShell) start(c launch.Command, terminal bool, extra int) (*session, error) {
	c.Bounds, c.TTY = v.node.RemoteBounds(), terminal
	s := &session{
		out:     [2]*printed{newPrinted(os.Stdout), newPrinted(os.Stderr)},
		to:      -1,
		ended:   make(chan unix.WaitStatus, 1),
		resized: make(chan os.Signal, 1),
		killed:  make(chan os.Signal, 1),
	}
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
		out, err := outputPipe()
		if err != nil {
			return nil, err
		}
		errs, err := outputPipe()
		if err != nil {
			return nil, err
		}
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

// outputPipe is a pipe of which only the end that is read from does not block.
func outputPipe() (p [2]int, err error) {
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return p, os.NewSyscallError("pipe2", err)
	}
	return p, unix.SetNonblock(p[1], false)
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
	signal.Notify(s.resized, unix.SIGWINCH)
	signal.Notify(s.killed, unix.SIGTERM, unix.SIGHUP, unix.SIGINT)
	go func() {
		var status unix.WaitStatus
		for {
			if _, err := unix.Wait4(s.pid, &status, 0, nil); err != unix.EINTR {
				break
			}
		}
		s.ended <- status
		unix.Write(s.wake[1], []byte{0})
	}()
	go func() {
		for {
			select {
			case <-s.resized:
				s.resize()
			case <-s.killed:
				unix.Kill(-s.pid, unix.SIGKILL)
			}
		}
	}()
	for {
		ended := len(s.ended) > 0
		s.await(ended)
		if ended { // what it wrote last has been read
			return exitStatus(<-s.ended)
		}
	}
}

// await waits for something to carry, and carries it. Where the process has ended, it waits
// for nothing, and carries what is left.
func (s *session) await(ended bool) {
	fds := []unix.PollFd{{Fd: int32(s.wake[0]), Events: unix.POLLIN}, {Fd: -1}, {Fd: -1}}
	if s.to >= 0 && len(s.typing) == 0 {
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
		s.readTyped()
	}
	if len(s.typing) > 0 {
		n, err := unix.Write(s.to, s.typing)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			n = len(s.typing) // nobody will ever take it
		}
		s.typing = s.typing[:copy(s.typing, s.typing[max(n, 0):])]
	}
}

// readTyped reads what was typed. At its end, the terminal has gone.
func (s *session) readTyped() {
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
	s.typing = append(s.typing, b[:n]...)
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
