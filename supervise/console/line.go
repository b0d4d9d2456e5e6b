package console

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/beaminit/beaminit/config"
	"golang.org/x/sys/unix"
)

// openLine opens the tty without waiting for a carrier and without making it anybody's
// controlling tty, and makes it raw: every byte goes through as it is, to and from the
// pty, which has the echo and the lines. The options are set where there are any; else
// the speed stays as it is.
func openLine(path string, o config.TTYOptions) (int, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := setLine(fd, o); err != nil {
		unix.Close(fd)
		if err == unix.ENOTTY {
			err = fmt.Errorf("is no tty (%w)", err)
		}
		return -1, err
	}
	dontLinger(fd)
	return fd, nil
}

// setLine sets termios(3). No IXON or IXOFF: a Ctrl-S, or a disturbance that looks like
// one, would stop the output. CLOCAL: who has only three wires has no carrier.
func setLine(fd int, o config.TTYOptions) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = unix.IGNBRK|unix.IGNPAR, 0, 0
	t.Cflag |= unix.CREAD | unix.CLOCAL
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if o.Speed > 0 {
		t.Cflag &^= unix.CBAUD | unix.CBAUD<<unix.IBSHIFT | unix.CSIZE | unix.CSTOPB | unix.PARENB | unix.PARODD | unix.CRTSCTS
		t.Cflag |= unix.BOTHER | unix.BOTHER<<unix.IBSHIFT
		t.Ispeed, t.Ospeed = uint32(o.Speed), uint32(o.Speed)
		if t.Cflag |= unix.CS8; o.Bits == 7 {
			t.Cflag = t.Cflag&^unix.CSIZE | unix.CS7
		}
		switch o.Parity {
		case 'e':
			t.Cflag |= unix.PARENB
		case 'o':
			t.Cflag |= unix.PARENB | unix.PARODD
		}
		if o.RTS {
			t.Cflag |= unix.CRTSCTS
		}
	}
	return unix.IoctlSetTermios(fd, setTermios, t)
}

// dontLinger has the end of the relay not wait for output that the other side of a
// serial port does not take, which the kernel does for 30 s: "closing_wait none" of
// setserial(8). Ports that know no such thing do not wait either.
func dontLinger(fd int) {
	const closingWait, none = 40, 65535 // of struct serial_struct, ASYNC_CLOSING_WAIT_NONE (linux/serial.h)
	var serial [128]byte
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGSERIAL, uintptr(unsafe.Pointer(&serial))); errno == 0 {
		binary.NativeEndian.PutUint16(serial[closingWait:], none)
		unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCSSERIAL, uintptr(unsafe.Pointer(&serial)))
	}
}

// shareSize gives the pty the size of the tty, where that has one.
func shareSize(tty, master int) {
	size, err := unix.IoctlGetWinsize(tty, unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 || size.Row == 0 {
		size = &unix.Winsize{Row: Rows, Col: Columns}
	}
	unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, size)
}
