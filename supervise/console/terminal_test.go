package console

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
	"golang.org/x/sys/unix"
)

// The release's side of a pty is renewed for each run, whatever the last one left.
func TestRenew(t *testing.T) {
	term := open(t)
	was, err := unix.IoctlGetTermios(term.Slave, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	raw := *was
	raw.Lflag, raw.Iflag, raw.Oflag, raw.Cc[unix.VMIN] = 0, unix.IXON, 0, 7
	if err := unix.IoctlSetTermios(term.Slave, unix.TCSETS, &raw); err != nil {
		t.Fatal(err)
	}
	unix.Write(term.Master, []byte("typed ahead\r"))
	if err := term.Renew(); err != nil {
		t.Fatal(err)
	}
	is, err := unix.IoctlGetTermios(term.Slave, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	want := *was
	want.Lflag &^= unix.ISIG
	want.Iflag = want.Iflag&^unix.IXON | unix.IUTF8
	if is.Iflag != want.Iflag || is.Oflag != want.Oflag || is.Cflag != want.Cflag || is.Lflag != want.Lflag || is.Cc != want.Cc {
		t.Errorf("it is  %+v\nwant %+v: that of a new pty, without ISIG and IXON", is, want)
	}
	if n, err := unix.IoctlGetInt(term.Slave, unix.TIOCINQ); err != nil || n != 0 {
		t.Errorf("%d bytes are left of what was typed (%v)", n, err)
	}
	size, err := unix.IoctlGetWinsize(term.Slave, unix.TIOCGWINSZ)
	if err != nil || size.Col != Columns || size.Row != Rows {
		t.Errorf("its size is %+v %v", size, err)
	}
}

// A tty becomes raw, with the options asked for, and is nobody's controlling tty. What
// is no tty is none.
func TestOpenLine(t *testing.T) {
	far := open(t)
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(far.Slave))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		options string
		cflag   uint32 // without the speed
		speed   uint32
	}{
		{"", unix.CREAD | unix.CLOCAL | unix.CS8, 38400},
		{"115200n8", unix.CREAD | unix.CLOCAL | unix.CS8, 115200},
		{"1234567e7r", unix.CREAD | unix.CLOCAL | unix.CS7 | unix.PARENB | unix.CRTSCTS, 1234567},
		{"9600o8", unix.CREAD | unix.CLOCAL | unix.CS8 | unix.PARENB | unix.PARODD, 9600},
	} {
		o, ok := config.ParseTTYOptions(tt.options)
		if !ok {
			t.Fatal(tt.options)
		}
		fd, err := openLine(path, o)
		if err != nil {
			t.Fatal(err)
		}
		is, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
		if err != nil {
			t.Fatal(err)
		}
		// A pty keeps 8 bits and has no parity, whatever is asked for (drivers/tty/pty.c).
		const pty = unix.CSIZE | unix.PARENB
		got := is.Cflag &^ (unix.CBAUD | unix.CBAUD<<unix.IBSHIFT)
		if got&^pty != tt.cflag&^pty || is.Iflag != unix.IGNBRK|unix.IGNPAR || is.Oflag != 0 || is.Lflag != 0 || is.Ospeed != tt.speed || is.Cc[unix.VMIN] != 1 {
			t.Errorf("%q: %+v", tt.options, is)
		}
		unix.Close(fd)
	}
	if _, err := openLine("/dev/null", config.TTYOptions{}); err == nil || err.Error() != "is no tty (inappropriate ioctl for device)" {
		t.Errorf("/dev/null: %v", err)
	}
}

// The relay gives the pty the size of a tty that has one.
func TestSize(t *testing.T) {
	term, far := open(t), open(t)
	for _, tt := range []struct{ tty, want unix.Winsize }{
		{unix.Winsize{Row: 50, Col: 132}, unix.Winsize{Row: 50, Col: 132}},
		{unix.Winsize{}, unix.Winsize{Row: Rows, Col: Columns}},
	} {
		unix.IoctlSetWinsize(far.Slave, unix.TIOCSWINSZ, &tt.tty)
		shareSize(far.Slave, term.Master)
		if got, err := unix.IoctlGetWinsize(term.Slave, unix.TIOCGWINSZ); err != nil || *got != tt.want {
			t.Errorf("got %+v %v, want %+v", got, err, tt.want)
		}
	}
}

// What is said last is there for PID 1 as soon as the relay has read it.
func TestLast(t *testing.T) {
	term, far := open(t), open(t)
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(far.Slave))
	if err != nil {
		t.Fatal(err)
	}
	r := Relay{Path: path, Master: term.Master, Ring: term.Ring, Say: func(line string) { t.Error(line) }}
	go r.Run() // it never ends, but with the test
	for _, words := range []string{"one", "two\n"} {
		unix.Write(term.Slave, []byte(words))
		want := words
		if words[len(words)-1] == '\n' {
			want = words[:len(words)-1] + "\r\n"
		}
		got := ""
		for limit := time.Now().Add(5 * time.Second); got != want && time.Now().Before(limit); {
			got += string(term.Last()) // the machine may be busy
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func open(t *testing.T) *Terminal {
	t.Helper()
	term, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	return term
}
