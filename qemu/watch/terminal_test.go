package watch

import (
	"bytes"
	"strings"
	"testing"
)

// What a console may do to a person's terminal, in one piece and byte by byte.
func TestTerminal(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a prompt that is edited", "sh# ls\x1b[D\x1b[1P\x1b[K\x1b[2J\x1b[1;31mred\x1b[0m\r\n", "sh# ls\x1b[D\x1b[1P\x1b[K\x1b[2J\x1b[1;31mred\x1b[0m\r\n"},
		{"text of others", "Grüße 世界\a\b \b", "Grüße 世界\a\b \b"},
		{"C1", "\x9b2J \x9d0;x\x9c \u009b", "?2J ?0;x? ?"},
		{"title", "\x1b]0;title\a", "?]0;title\a"},
		{"questions to the terminal", "\x1b[c\x1b[6n\x1b[?1049h\x1bc\x1bP+q\x1b\\", "?[c?[6n?[?1049h?c?P+q?\\"},
		{"a command without an end", "\x1b[" + strings.Repeat("1", 40) + "m", "?[" + strings.Repeat("1", 40) + "m"},
		{"direction of writing", "a\u202eb", "a?b"},
		{"broken", "\xff\xc3(", "??("},
	} {
		var whole, bytewise bytes.Buffer
		(&Terminal{To: &whole}).Write([]byte(tt.in))
		one := Terminal{To: &bytewise}
		for i := range len(tt.in) {
			one.Write([]byte{tt.in[i]})
		}
		if whole.String() != tt.want || bytewise.String() != tt.want {
			t.Errorf("%s: got %q, by bytes %q, want %q", tt.name, whole.String(), bytewise.String(), tt.want)
		}
	}
}
