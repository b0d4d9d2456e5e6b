package cli

import (
	"os"
	"strings"
	"unicode/utf8"

	"github.com/beaminit/beaminit/internal/logfmt"
	"golang.org/x/sys/unix"
)

// printed hands on what a release gives for an answer. A terminal gets it as text: by what
// else there could be in it the terminal could be told to type for who sits there. A file
// or a pipe gets each byte.
type printed struct {
	to   *os.File
	text bool
	rest []byte // the beginning of a character
}

func newPrinted(to *os.File) *printed {
	_, err := unix.IoctlGetTermios(int(to.Fd()), unix.TCGETS)
	return &printed{to: to, text: err == nil}
}

func (p *printed) Write(b []byte) {
	if !p.text {
		p.to.Write(b)
		return
	}
	b = append(p.rest, b...)
	n := whole(b)
	p.to.WriteString(printableLines(string(b[:n])))
	p.rest = append([]byte(nil), b[n:]...)
}

// whole is how much of b comes before a character that is not all there.
func whole(b []byte) int {
	for i := len(b) - 1; i >= max(0, len(b)-utf8.UTFMax); i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = logfmt.Printable(strings.TrimSuffix(lines[i], "\r"))
	}
	return strings.Join(lines, "\n")
}
