package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// Path is where the tty lies; empty: the release has none.
func (c *Console) Path() string {
	if c.TTY == "" {
		return ""
	}
	return "/dev/" + strings.TrimPrefix(c.TTY, "/dev/")
}

// TTYOptions are the settings of a serial port.
type TTYOptions struct {
	Speed  int  // bit/s; 0: as it is, and all the rest too
	Parity byte // 'n' (none), 'o' (odd), 'e' (even)
	Bits   int  // 7 or 8
	RTS    bool // the other side holds the flow by its RTS, our CTS
}

// ParseTTYOptions reads BBBBPNF, in the words of the kernel's
// Documentation/admin-guide/serial-console.rst: the speed, the parity n, o or e, the
// number of bits, and r for flow control. What is left out at the end is n8 without
// flow control.
func ParseTTYOptions(s string) (o TTYOptions, ok bool) {
	if s == "" {
		return o, true
	}
	o = TTYOptions{Parity: 'n', Bits: 8}
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	speed, err := strconv.Atoi(s[:digits])
	if err != nil || speed < 50 || speed > 4_000_000 {
		return o, false
	}
	o.Speed = speed
	rest := s[digits:]
	if rest != "" {
		o.Parity, rest = rest[0], rest[1:]
	}
	if rest != "" {
		o.Bits, rest = int(rest[0]-'0'), rest[1:]
	}
	o.RTS = rest == "r"
	parity := strings.IndexByte("noe", o.Parity) >= 0
	bits := o.Bits == 7 || o.Bits == 8
	return o, parity && bits && (o.RTS || rest == "")
}

func isTTYOptions(s string) bool { _, ok := ParseTTYOptions(s); return ok }

// isTTY says whether s names a file below /dev.
func isTTY(s string) bool {
	s = strings.TrimPrefix(s, "/dev/")
	return lex.IsMadeOf(s, "_-./:+@") && s[0] != '/' && s[len(s)-1] != '/' && !strings.Contains(s, "..")
}

// consoleNotes says what is other than one may expect of [console].
func (l *loader) consoleNotes() {
	c := &l.c.Console
	switch {
	case c.TTY == "" && c.Options != "":
		l.note("console.options", "there is no console.tty that they could be for")
	case c.TTY != "" && c.shared():
		l.note("console.tty", c.TTY+" is the kernel's console too: the health records and all else stand there between the lines of the shell")
	}
}

// shared says whether the kernel's console is on the same tty. tty0 is whichever of the
// virtual ones is seen.
func (c *Console) shared() bool {
	name := strings.TrimPrefix(c.TTY, "/dev/")
	virtual := strings.HasPrefix(name, "tty") && lex.IsDigits(name[len("tty"):])
	return name == "console" || slices.Contains(c.kernel, name) || virtual && slices.Contains(c.kernel, "tty0")
}
