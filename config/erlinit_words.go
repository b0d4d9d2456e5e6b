package config

import "strings"

// word is one word of /etc/erlinit.config.
type word struct {
	text string
	line int  // 1-based; 0: it stands on the kernel command line
	open bool // its second quote is missing
}

// erlinitWords cuts the text of /etc/erlinit.config into words as erlinit 1.15.1 does:
// line by line; white space separates; # begins a comment, within a word too; "…"
// protects both, only at the beginning of a word, and its end is the word's end. There
// are no escapes. erlinit's limits, 255 bytes a line and 64 words, are not kept: it cuts
// off what is over without a word, mostly in the middle of something.
func erlinitWords(text string) (words []word) {
	for line := 1; text != ""; line++ {
		var s string
		s, text, _ = strings.Cut(text, "\n")
		for s = skipBlank(s); s != "" && s[0] != '#'; s = skipBlank(s) {
			w := word{line: line}
			if s[0] == '"' {
				var closed bool
				w.text, s, closed = strings.Cut(s[1:], `"`)
				w.open = !closed
			} else {
				end := 0
				for end < len(s) && s[end] != '#' && !isBlank(s[end]) {
					end++
				}
				w.text, s = s[:end], s[end:]
			}
			words = append(words, w)
		}
	}
	return words
}

// isBlank is isspace(3) of the C locale.
func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func skipBlank(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	return s
}
