package evidence

import "bytes"

// dumpHead is how much of a crash dump is read for its slogan, in bytes.
const dumpHead = 2 << 10

// Slogan finds in the beginning of an erl_crash.dump why the VM gave up (OTP, "How to
// Interpret the Erlang Crash Dumps"): its third line. Empty: it has none, or was cut
// before its end. What is not printable ASCII becomes a question mark.
func Slogan(head []byte) string {
	if !bytes.HasPrefix(head, []byte("=erl_crash_dump:")) {
		return ""
	}
	full := len(head) == dumpHead
	for i := 0; i < 4; i++ {
		line, rest, whole := bytes.Cut(head, []byte{'\n'})
		if slogan := bytes.TrimPrefix(line, []byte("Slogan: ")); len(slogan) < len(line) {
			if !whole && !full { // the disk was full, or the dump is still being written
				return ""
			}
			return printable(bytes.TrimRight(slogan, " \r"))
		}
		head = rest
	}
	return ""
}

func printable(b []byte) string {
	text := make([]byte, len(b))
	for i, c := range b {
		if c < ' ' || c > '~' {
			c = '?'
		}
		text[i] = c
	}
	return string(text)
}

// Short is a text of at most limit bytes that says where it was cut.
func Short(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return text[:limit-3] + "..."
}
