package health

import (
	"bytes"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// Speaker is what everything begins with that PID 1 itself says on the console.
const Speaker = "beaminit: "

// Find reads a line of a node's console, from its serial port, from /dev/kmsg or from
// dmesg(1), and gives the health record in it. It is one only if it stands at the
// beginning of what PID 1 says, behind nothing but the kernel's own prefix, if it has all
// fields as they should be, and if its checksum is right: so a garbled line is none, and
// neither is one of the release. What a disturbed line has appended behind it does not
// matter.
func Find(line []byte) (Record, bool) {
	text, ok := said(line)
	if !ok {
		return Record{}, false
	}
	return Decode(text)
}

// said is what PID 1 says in a line; ok: it does.
func said(line []byte) (text []byte, ok bool) { return bytes.CutPrefix(Message(line), []byte(Speaker)) }

// Decode reads the record that text begins with.
func Decode(text []byte) (Record, bool) {
	n := whole(text)
	if n == 0 {
		return Record{}, false
	}
	r, err := Parse(string(text[:n-logfmt.ChecksumSize]))
	return r, err == nil
}

// whole is the length of the record that text begins with; 0: it does not.
func whole(text []byte) int {
	if !bytes.HasPrefix(text, []byte(Prefix)) {
		return 0
	}
	return logfmt.Whole(text[:min(len(text), MaxRecord)])
}

// Message gives a line without what the kernel puts before a message: "30,7,9000001,-;"
// in /dev/kmsg (kernel Documentation/ABI/testing/dev-kmsg), "<30>" in an older log,
// "[    9.000001] " on a console, with "[    T1]" or "[    C0]" behind the time where
// CONFIG_PRINTK_CALLER is set.
func Message(line []byte) []byte {
	line = bytes.TrimLeft(line, "\r")
	if head, text, ok := bytes.Cut(line, []byte(";")); ok {
		fields := bytes.Split(head, []byte(","))
		if len(fields) >= 4 && only(fields[0], "0123456789") {
			return text
		}
	}
	if level, text, ok := bytes.Cut(line, []byte(">")); ok && len(level) > 1 && level[0] == '<' && only(level[1:], "0123456789") {
		line = text
	}
	stamp, text, ok := bytes.Cut(line, []byte("] "))
	if !ok || len(stamp) == 0 || stamp[0] != '[' {
		return line
	}
	stamp, caller, ok := bytes.Cut(stamp[1:], []byte("]["))
	if !only(stamp, " .0123456789") || ok && !only(caller, " TC0123456789") {
		return line
	}
	return text
}

func only(b []byte, chars string) bool { return len(b) > 0 && len(bytes.Trim(b, chars)) == 0 }
