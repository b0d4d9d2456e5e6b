package watch

import "golang.org/x/sys/unix"

func setSpeed(t *unix.Termios, baud uint32) {
	t.Cflag = t.Cflag&^unix.CBAUD | unix.BOTHER
	into(&t.Ispeed, baud)
	into(&t.Ospeed, baud)
}
