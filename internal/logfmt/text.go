package logfmt

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// records are the words without which a line is no record, and what stands for them in
// text that is none. '=' and ':' differ in three bits: no disturbed bit makes one of the
// other.
var records = strings.NewReplacer("health v=", "health v:", "history v=", "history v:", "crc=", "crc:")

// Foreign gives text of others without anything that a reader of records takes for one.
func Foreign(s string) string { return records.Replace(s) }

// Printable gives s as a terminal may have it: printable ASCII, blanks for tabs, and
// whole UTF-8 characters that are printable by strconv.IsPrint, the definition of unicode.IsPrint. All else
// becomes a question mark, a byte or a character each: the controls of ASCII and of ISO
// 6429 (0x80 to 0x9f, of which 0x9b begins a command as ESC [ does), broken UTF-8, and
// what has no shape of its own but changes that of others, such as the overrides of the
// direction of writing.
func Printable(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case r == utf8.RuneError && n == 1, !strconv.IsPrint(r):
			b.WriteByte('?')
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// plain says that all of s is printable ASCII, as most text is.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
