package console

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal is the pty of the release (pty(7)). PID 1 holds both ends for the whole boot:
// the release sees no hang-up when the relay ends, the relay none when the release does,
// and the next run of either goes on with it. PID 1 reads and writes neither.
type Terminal struct {
	Master int // the relay's end; it never blocks
	Slave  int // the release's
	Ring   int // what the release wrote last, see ring; -1: it is not kept
}

// Columns and Rows are the size of a tty that has none of its own, as a serial port.
const Columns, Rows = 80, 24

// Open makes a pty and a place for the last output. /dev/pts has to be mounted.
func Open() (*Terminal, error) {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err == unix.ENOENT {
		master, err = unix.Open("/dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("open /dev/ptmx: %w", err)
	}
	slave, err := openSlave(master)
	if err != nil {
		unix.Close(master)
		return nil, fmt.Errorf("open the other end of a pty: %w", err)
	}
	t := &Terminal{Master: master, Slave: slave, Ring: -1}
	unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &unix.Winsize{Row: Rows, Col: Columns})
	if fd, err := unix.MemfdCreate("beaminit-tty", unix.MFD_CLOEXEC); err == nil {
		t.Ring = fd
	}
	return t, nil
}

// openSlave unlocks the other end and opens it: by ioctl_tty(2), TIOCGPTPEER, or by its
// name before Linux 4.13.
func openSlave(master int) (int, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return -1, err
	}
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, flags)
	if errno == 0 {
		return int(fd), nil
	}
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return -1, err
	}
	return unix.Open("/dev/pts/"+strconv.Itoa(n), flags, 0)
}

// Renew makes the terminal what a new run of the release should find, whatever the last
// one left: nothing typed ahead, lines and echo as stty(1) calls sane, but without
// IXON, so that Ctrl-S cannot stop it, and without ISIG: Ctrl-C, Ctrl-Z and Ctrl-\ are
// keys that the shell gets (the Erlang shell ends an evaluation at Ctrl-C), and no
// signals that would stop or end the VM.
func (t *Terminal) Renew() error {
	unix.IoctlSetInt(t.Slave, unix.TCFLSH, unix.TCIFLUSH)
	s := unix.Termios{
		Iflag: unix.ICRNL | unix.IUTF8,
		Oflag: unix.OPOST | unix.ONLCR,
		Cflag: unix.CREAD | unix.CS8 | unix.B38400,
		Lflag: unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHOCTL | unix.ECHOKE | unix.IEXTEN,
	}
	for _, key := range [...]struct{ which, key byte }{
		{unix.VINTR, 'C' & 31}, {unix.VQUIT, '\\' & 31}, {unix.VERASE, 127}, {unix.VKILL, 'U' & 31}, {unix.VEOF, 'D' & 31},
		{unix.VMIN, 1}, {unix.VSTART, 'Q' & 31}, {unix.VSTOP, 'S' & 31}, {unix.VSUSP, 'Z' & 31},
		{unix.VREPRINT, 'R' & 31}, {unix.VDISCARD, 'O' & 31}, {unix.VWERASE, 'W' & 31}, {unix.VLNEXT, 'V' & 31},
	} {
		s.Cc[key.which] = key.key
	}
	if err := unix.IoctlSetTermios(t.Slave, unix.TCSETS, &s); err != nil {
		return fmt.Errorf("set the pty of the release: %w", err)
	}
	return nil
}

// Last gives what the release wrote since the last call, as far as it is kept. It waits
// a moment for the relay to have read it all.
func (t *Terminal) Last() []byte {
	if t.Ring < 0 {
		return nil
	}
	r := ring{t.Ring}
	for i, before := 0, uint64(0); i < 20; i++ {
		left, err := unix.IoctlGetInt(t.Master, unix.TIOCINQ)
		total := r.mark(ringWritten)
		if (err != nil || left == 0) && total == before && i > 0 {
			break
		}
		before = total
		pause := unix.NsecToTimespec(int64(time.Millisecond / 2))
		unix.Nanosleep(&pause, nil)
	}
	return r.take()
}
