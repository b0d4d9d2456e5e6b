//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package watch

import "golang.org/x/sys/unix"

// CanSetBaud says whether the speed of a serial port is set here.
const CanSetBaud = true

// rawTTY has a tty pass each byte as it comes (termios(3)), at a speed in bits a second; 0:
// as it is.
func rawTTY(fd int, baud uint32) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err == unix.ENOTTY || err == unix.ENODEV {
		return nil // a character device of another kind
	}
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CLOCAL | unix.CREAD
	if baud != 0 {
		setSpeed(t, baud)
	}
	return unix.IoctlSetTermios(fd, setTermios, t)
}

// into puts a speed into a field, whose type is not the same on all systems.
func into[T int32 | uint32 | uint64](field *T, baud uint32) { *field = T(baud) }
