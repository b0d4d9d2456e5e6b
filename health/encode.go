package health

import (
	"strconv"
	"time"
)

// MaxRecord is the length that no encoded record exceeds, in bytes: a record
// must fit one kmsg line (printk's LINE_MAX is 1024 with its own prefix).
const MaxRecord = 900

// Bounds of the free texts, so that the fixed fields always have room.
const (
	maxWhy     = 200
	maxMissing = 240
	maxNode    = 160
	maxClock   = 8
	maxPhases  = 8
)

// Prefix is what a record's text begins with; a reader finds records by it.
const Prefix = "health v=1 "

// Append adds the record's text, from "health" to the last digit of its
// checksum, to dst: logfmt of ASCII, without a line end.
func (r Record) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, Prefix...)
	dst = append(dst, "boot="...)
	dst = appendHex(dst, r.Boot)
	dst = appendUint(append(dst, " seq="...), uint64(r.Seq))
	dst = appendSeconds(append(dst, " up="...), r.Up)
	dst = appendWord(append(dst, " node="...), r.Node, maxNode)
	dst = append(append(dst, " state="...), r.State...)
	if r.PID > 0 {
		dst = appendUint(append(dst, " pid="...), uint64(r.PID))
	}
	dst = appendUint(append(dst, " restarts="...), uint64(r.Restarts))
	dst = append(dst, " peers="...)
	if r.Connected < 0 {
		dst = append(dst, '?')
	} else {
		dst = appendUint(dst, uint64(r.Connected))
	}
	dst = appendUint(append(dst, '/'), uint64(r.Peers))
	dst = appendMissing(dst, r.Missing)
	if r.Probe > 0 {
		ms := (r.Probe + time.Millisecond - 1) / time.Millisecond
		dst = append(appendUint(append(dst, " probe="...), uint64(ms)), "ms"...)
	}
	if mem := (r.Mem + 1<<19) >> 20; mem > 0 {
		dst = append(appendUint(append(dst, " mem="...), uint64(mem)), 'M')
	}
	if r.Why != "" {
		dst = appendWord(append(dst, " why="...), r.Why, maxWhy)
	}
	if r.Next > 0 {
		ms := (r.Next + time.Millisecond - 1) / time.Millisecond
		dst = append(appendUint(append(dst, " next="...), uint64(ms)), "ms"...)
	}
	if r.Clock != "" {
		dst = appendWord(append(dst, " clock="...), r.Clock, maxClock)
	}
	dst = appendPhases(dst, r.Phases)
	sum := checksum(dst[start:])
	return appendHex(append(dst, " crc="...), sum)
}

func appendMissing(dst []byte, missing []string) []byte {
	if len(missing) == 0 {
		return dst
	}
	dst = append(dst, " missing="...)
	start := len(dst)
	for i, name := range missing {
		if i > 0 {
			dst = append(dst, ',')
		}
		if len(dst)-start+len(name) > maxMissing {
			return appendUint(append(dst, '+'), uint64(len(missing)-i))
		}
		dst = append(dst, name...)
	}
	return dst
}

func appendPhases(dst []byte, phases []Phase) []byte {
	for i, p := range phases {
		if i == maxPhases {
			break
		}
		if i == 0 {
			dst = append(dst, " phases="...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(append(dst, p.Name...), ':')
		dst = appendSeconds(dst, p.At)
	}
	return dst
}

func appendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

func appendHex(dst []byte, n uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, digits[n>>uint(shift)&15])
	}
	return dst
}

// appendSeconds writes d as seconds with three decimals.
func appendSeconds(dst []byte, d time.Duration) []byte {
	if d < 0 {
		d = 0
	}
	ms := uint64(d / time.Millisecond)
	dst = append(appendUint(dst, ms/1000), '.')
	return append(dst, byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
}

// appendWord writes a logfmt value of at most limit bytes: bare where it can be,
// else in double quotes. Anything but printable ASCII becomes a question mark,
// so that no release name and no error text can break the line.
func appendWord(dst []byte, s string, limit int) []byte {
	if len(s) > limit {
		s = s[:limit-1] + "~"
	}
	bare := s != ""
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == '"' || s[i] == '=' {
			bare = false
		}
	}
	if !bare {
		dst = append(dst, '"')
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ' || c > '~':
			dst = append(dst, '?')
		case c == '"' || c == '\\':
			dst = append(dst, '\'')
		default:
			dst = append(dst, c)
		}
	}
	if !bare {
		dst = append(dst, '"')
	}
	return dst
}
