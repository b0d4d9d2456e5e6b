// Package logfmt is the form of all lines that programs read: words NAME=VALUE of
// printable ASCII with a blank between them, a value in double quotes where it has
// blanks, and a CRC-32 as the last word. The health records and the history are made of
// it. No line it makes can be broken by what it is given, nor hold another line.
//
// It also has the one rule for text of others, that is all that PID 1 did not make up
// itself (see Printable and Foreign): such text reaches a console as harmless characters,
// and without what makes a line a record.
package logfmt

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"
)

// AppendUint writes n in decimal.
func AppendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// AppendHex writes n with eight hexadecimal digits.
func AppendHex(dst []byte, n uint32) []byte { return fmt.Appendf(dst, "%08x", n) }

// AppendSeconds writes d as seconds with three decimals; a negative one is 0.
func AppendSeconds(dst []byte, d time.Duration) []byte {
	ms := max(d, 0) / time.Millisecond
	return fmt.Appendf(dst, "%d.%03d", ms/1000, ms%1000)
}

// AppendWord writes a value of at most limit bytes: bare where it can be, else in
// double quotes. Anything but printable ASCII becomes a question mark, and what would
// make a record of it is taken apart, so that no release name and no error text can
// break the line or pass for one.
func AppendWord(dst []byte, s string, limit int) []byte {
	s = Foreign(strings.Map(ascii, s))
	if len(s) > limit {
		s = s[:limit-1] + "~"
	}
	if s == "" || strings.ContainsAny(s, " =") {
		return append(append(append(dst, '"'), s...), '"')
	}
	return append(dst, s...)
}

// ascii maps a character to one that may stand within double quotes.
func ascii(r rune) rune {
	switch {
	case r == '"' || r == '\\':
		return '\''
	case r < ' ' || r > '~':
		return '?'
	}
	return r
}

const crcMark = " crc="

// ChecksumSize is how long a text gets by AppendChecksum, in bytes.
const ChecksumSize = len(crcMark) + 8

// AppendChecksum ends the line that begins at dst[start] with its CRC-32 (IEEE 802.3).
func AppendChecksum(dst []byte, start int) []byte {
	sum := crc32.ChecksumIEEE(dst[start:])
	return AppendHex(append(dst, crcMark...), sum)
}

// Whole is the length of the text with a right checksum that b begins with; 0: there is
// none. It tries every "crc=": a line that was cut and joined with another can hold more
// than one.
func Whole(b []byte) int {
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
		if bytes.Equal(AppendChecksum(bytes.Clone(b[:at]), 0), b[:end]) {
			return end
		}
		at += len(crcMark)
	}
}

// Find looks for a text of at most limit bytes that begins with prefix and ends with its
// checksum, anywhere in b: behind the cut-off half of another one, between two others. It
// gives the first one that parse, which gets the text without its checksum, takes; so a
// garbled one is none. rest is what follows it.
func Find(b []byte, prefix string, limit int, parse func(text string) bool) (rest []byte, ok bool) {
	for {
		at := bytes.Index(b, []byte(prefix))
		if at < 0 {
			return nil, false
		}
		b = b[at:]
		if n := Whole(b[:min(len(b), limit)]); n > 0 && parse(string(b[:n-ChecksumSize])) {
			return b[n:], true
		}
		b = b[len(prefix):]
	}
}

// Next takes the first NAME=VALUE off the front of text. ok: there was one, as it is
// written here: a name of small letters and underscores, a value that is bare or quoted,
// and behind it one blank and another word, or nothing.
func Next(text string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(text, "=")
	if !ok || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return name, "", "", false
	}
	if after, quoted := strings.CutPrefix(rest, `"`); quoted {
		value, rest, ok = strings.Cut(after, `"`)
		if rest == "" {
			return name, value, "", ok
		}
		rest, blank := strings.CutPrefix(rest, " ")
		return name, value, rest, ok && blank && rest != ""
	}
	value, rest, more := strings.Cut(rest, " ")
	ok = value != "" && !strings.ContainsAny(value, `"=`) && more == (rest != "")
	return name, value, rest, ok
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
