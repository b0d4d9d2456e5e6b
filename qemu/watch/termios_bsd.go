//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package watch

import "golang.org/x/sys/unix"

// The ioctls behind tcgetattr(3) and tcsetattr(3); a speed is its number.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)

func setSpeed(t *unix.Termios, baud uint32) {
	into(&t.Ispeed, baud)
	into(&t.Ospeed, baud)
}
