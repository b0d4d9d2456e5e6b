// Package lex is what a configuration and the files of others that it is made of ask of a
// piece of text: which bytes it is made of, which word it was perhaps meant to be, and how
// it stands in a message.
package lex

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// IsAlnum says that a byte is a letter or a digit of ASCII.
func IsAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// IsDigits says that a string is not empty and of digits alone.
func IsDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// IsMadeOf says that a string is not empty and of letters, digits and the bytes of more.
func IsMadeOf(s, more string) bool {
	for i := 0; i < len(s); i++ {
		if !IsAlnum(s[i]) && strings.IndexByte(more, s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// IsDNSLabel says that a string can stand between two dots of a host name (RFC 1123, 2.1):
// letters, digits and inner hyphens, 63 bytes at most.
func IsDNSLabel(s string) bool {
	return len(s) <= 63 && IsMadeOf(s, "-") && s[0] != '-' && s[len(s)-1] != '-'
}

// IsPrintable says that a string is UTF-8 and holds no control character. Such a string
// may go into a line of a log, a file of lines, an argument or an environment.
func IsPrintable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// Quote is a string as TOML has it, in ASCII, and cut where it is long: it goes into
// one line of a log.
func Quote(s string) string {
	if len(s) > 80 {
		return strconv.QuoteToASCII(s[:72]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// SplitNonEmpty cuts a list and leaves out what is empty.
func SplitNonEmpty(s, at string) (list []string) {
	for _, piece := range strings.Split(s, at) {
		if piece != "" {
			list = append(list, piece)
		}
	}
	return list
}

// Some is the first of a list, and how many there are besides.
func Some(list []string) string {
	n := min(len(list), 20)
	text := strings.Join(list[:n], ", ")
	if n < len(list) {
		text += " and " + strconv.Itoa(len(list)-n) + " others"
	}
	return text
}
