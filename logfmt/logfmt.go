// Package logfmt is the manner of speech of all lines that programs read: words
// NAME=VALUE of printable ASCII with a blank between them, a value in double quotes
// where it has blanks, and a CRC-32 as the last word. The health records and the
// history are made of it. No line it makes can be broken by what it is given.
package logfmt

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"
)

// AppendUint writes n in decimal.
func AppendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// AppendHex writes n with eight hexadecimal digits.
func AppendHex(dst []byte, n uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, digits[n>>uint(shift)&15])
	}
	return dst
}

// AppendSeconds writes d as seconds with three decimals.
func AppendSeconds(dst []byte, d time.Duration) []byte {
	if d < 0 {
		d = 0
	}
	ms := uint64(d / time.Millisecond)
	dst = append(AppendUint(dst, ms/1000), '.')
	return append(dst, byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
}

// AppendWord writes a value of at most limit bytes: bare where it can be, else in
// double quotes. Anything but printable ASCII becomes a question mark, so that no
// release name and no error text can break the line.
func AppendWord(dst []byte, s string, limit int) []byte {
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

const crcMark = " crc="

// ChecksumSize is how long a text gets by AppendChecksum, in bytes.
const ChecksumSize = len(crcMark) + 8

// AppendChecksum ends the line that begins at dst[start] with its checksum.
func AppendChecksum(dst []byte, start int) []byte {
	sum := Checksum(dst[start:])
	return AppendHex(append(dst, crcMark...), sum)
}

// Find looks for a text of at most limit bytes that begins with prefix and ends with
// its checksum, anywhere in b: after a printk stamp, behind the cut-off half of another
// line, between two others. It gives the first one that parse, which gets the text
// without its checksum, takes; so a garbled one is none. rest is what follows it.
func Find(b []byte, prefix string, limit int, parse func(text string) bool) (rest []byte, ok bool) {
	for {
		at := bytes.Index(b, []byte(prefix))
		if at < 0 {
			return nil, false
		}
		b = b[at:]
		if n := whole(b[:min(len(b), limit)]); n > 0 && parse(string(b[:n-ChecksumSize])) {
			return b[n:], true
		}
		b = b[len(prefix):]
	}
}

// whole is the length of the text with a right checksum that b begins with; 0: there
// is none. It tries every "crc=": a line that was cut and joined with another can hold
// more than one.
func whole(b []byte) int {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(crcMark))
		if i < 0 {
			return 0
		}
		at += i
		end := at + ChecksumSize
		if end > len(b) {
			return 0
		}
		sum, err := ParseHex(string(b[at+len(crcMark) : end]))
		if err == nil && Checksum(b[:at]) == sum {
			return end
		}
		at += len(crcMark)
	}
}

// Next takes the first NAME=VALUE off the front of text; ok: there was one.
func Next(text string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(text, "=")
	if !ok {
		return name, "", "", false
	}
	if after, quoted := strings.CutPrefix(rest, `"`); quoted {
		value, rest, _ = strings.Cut(after, `"`)
		return name, value, strings.TrimPrefix(rest, " "), true
	}
	value, rest, _ = strings.Cut(rest, " ")
	return name, value, rest, true
}

// ParseHex reads what AppendHex wrote.
func ParseHex(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 16, 32)
	return uint32(n), err
}

// ParseCount reads a number that fits an int on every machine.
func ParseCount(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

// ParseSeconds reads what AppendSeconds wrote.
func ParseSeconds(s string) (time.Duration, error) {
	sec, frac, _ := strings.Cut(s, ".")
	whole, err := strconv.ParseUint(sec, 10, 32)
	if err != nil {
		return 0, err
	}
	ms, err := strconv.ParseUint(frac, 10, 10)
	if err != nil || len(frac) != 3 {
		return 0, errors.New("want seconds with three decimals")
	}
	return time.Duration(whole)*time.Second + time.Duration(ms)*time.Millisecond, nil
}
