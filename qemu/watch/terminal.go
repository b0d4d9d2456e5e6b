package watch

import (
	"io"
	"unicode/utf8"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// Terminal passes a serial console on to a person's terminal: printable characters, line
// ends, and of a terminal's commands those that move the cursor, clear and colour, as a
// shell's line editor has them. All others, with which a line could set the title, fill the
// clipboard, have the terminal answer, or hide what stands there, become a question mark.
type Terminal struct {
	To   io.Writer
	rest []byte // the beginning of a character or a command, whose end comes later
}

// longestCommand is the length of the longest command that is passed on, in bytes.
const longestCommand = 32

// Write passes a piece of output on; errors are those of To.
func (t *Terminal) Write(p []byte) (int, error) {
	in := append(t.rest, p...)
	var out []byte
	for len(in) > 0 {
		n, text := piece(in)
		if n == 0 {
			break
		}
		out = append(out, text...)
		in = in[n:]
	}
	t.rest = append([]byte(nil), in...)
	if _, err := t.To.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// piece is the length of what in begins with, and what is shown of it; 0: its end is
// missing.
func piece(in []byte) (n int, text string) {
	switch c := in[0]; {
	case c == '\r' || c == '\n' || c == '\b' || c == '\t' || c == 7:
		return 1, string(c)
	case c == 0x1b:
		return command(in)
	case c >= utf8.RuneSelf && !utf8.FullRune(in):
		return 0, ""
	}
	_, n = utf8.DecodeRune(in)
	return n, logfmt.Printable(string(in[:n]))
}

// command is piece for an ESC: a control sequence (ECMA-48, 5.4) with numbers and a known
// end, or a question mark for the ESC alone.
func command(in []byte) (n int, text string) {
	if len(in) == 1 {
		return 0, ""
	}
	if in[1] != '[' {
		return 1, "?"
	}
	for i := 2; i < len(in) && i < longestCommand; i++ {
		switch c := in[i]; {
		case c >= '0' && c <= '9' || c == ';':
		case c >= 'A' && c <= 'H' || c == 'J' || c == 'K' || c == 'P' || c == '@' || c == 'm':
			return i + 1, string(in[:i+1])
		default:
			return 1, "?"
		}
	}
	if len(in) < longestCommand {
		return 0, ""
	}
	return 1, "?"
}
