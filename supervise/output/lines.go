package output

import (
	"bytes"
	"errors"
	"io"
)

// longestLine is where a line without an end is cut, in bytes.
const longestLine = 900

// Lines gives every line of a stream to say, until its end, and the error that was none.
func Lines(in io.Reader, say func(line string)) error {
	var lines splitter
	buf := make([]byte, 1<<10)
	for {
		n, err := in.Read(buf)
		lines.take(buf[:max(n, 0)], say)
		if err != nil {
			lines.take([]byte{'\n'}, say) // the last line may have no end
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// splitter makes lines of a stream.
type splitter struct{ part []byte }

// take gives every line that b completes to line. Blank lines are left out:
// on a console that other programs share they say nothing.
func (s *splitter) take(b []byte, line func(string)) {
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		whole := end >= 0
		if !whole {
			end = len(b)
		}
		room := longestLine - len(s.part)
		n := min(end, room)
		s.part = append(s.part, b[:n]...)
		if n < end { // too long: the rest becomes the next line
			line(string(s.part))
			s.part, b = s.part[:0], b[n:]
			continue
		}
		if b = b[end:]; whole {
			b = b[1:]
			if text := bytes.TrimRight(s.part, "\r "); len(text) > 0 {
				line(string(text))
			}
			s.part = s.part[:0]
		}
	}
}
