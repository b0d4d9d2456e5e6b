package logfmt

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// What a terminal may have, and what becomes of the rest.
func TestPrintable(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"ASCII", "a line, as most: {ok, \"x\"} ~", "a line, as most: {ok, \"x\"} ~"},
		{"empty", "", ""},
		{"tab", "a\tb", "a b"},
		{"ESC, BEL, line ends", "\x1b[2Jhello\x07\r\n", "?[2Jhello???"},
		{"DEL and NUL", "\x7f\x00", "??"},
		{"C1 as bytes: CSI, OSC", "\x9b2J \x9d0;title\x9c", "?2J ?0;title?"},
		{"C1 as characters", "\u009b2J\u0085", "?2J?"},
		{"every C1 byte", "\x80\x8f\x90\x9f", "????"},
		{"letters of others", "Grüße, 世界, Ωμέγα, привет", "Grüße, 世界, Ωμέγα, привет"},
		{"symbols", "→ ▸ 😀", "→ ▸ 😀"},
		{"a letter cut in half", "Gr\xc3", "Gr?"},
		{"its other half", "\xbcn", "?n"},
		{"too long a form of /", "\xc0\xaf", "??"},
		{"half of a UTF-16 pair", "\xed\xa0\x80", "???"},
		{"beyond Unicode", "\xf5\x80\x80\x80", "????"},
		{"direction of writing", "abc\u202e\u2066\u200f\u061c", "abc????"},
		{"without a width", "a\u200b\u200d\ufeff\u2060b", "a????b"},
		{"ends of lines and paragraphs", "a\u2028b\u2029", "a?b?"},
		{"blanks that are none", "a\u00a0\u3000b", "a??b"},
		{"tags, private use, not assigned", "\U000e0041\ue000\U0010ffff", "???"},
		{"the sign for broken text itself", "\ufffd", "\ufffd"},
	}
	for _, tt := range tests {
		if got := Printable(tt.in); got != tt.want {
			t.Errorf("%s: Printable(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

// Each of the characters there are, and each of the bytes.
func TestPrintableEach(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		want := "?"
		switch {
		case unicode.IsPrint(r):
			want = string(r)
		case r == '\t':
			want = " "
		}
		if got := Printable(string(r)); got != want {
			t.Fatalf("%U became %q, want %q", r, got, want)
		}
	}
	for b := 0x80; b <= 0xff; b++ {
		if got := Printable(string([]byte{byte(b)})); got != "?" {
			t.Errorf("byte %#x became %q", b, got)
		}
	}
}

func TestForeign(t *testing.T) {
	tests := []struct{ in, want string }{
		{"health is fine, crc ok", "health is fine, crc ok"},
		{"beaminit: health v=1 boot=1 state=up crc=00000000", "beaminit: health v:1 boot=1 state=up crc:00000000"},
		{"history v=2 kind=up crc=crc=", "history v:2 kind=up crc:crc:"},
		{"health health v=v=", "health health v:v="},
	}
	for _, tt := range tests {
		got := Foreign(tt.in)
		if got != tt.want || Foreign(got) != got {
			t.Errorf("Foreign(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// No value breaks its line, or holds another one; and it comes back.
func FuzzWord(f *testing.F) {
	f.Add("a reason", 200)
	f.Add("crc=00000000 \x9b2J \"x\\\" health v=1 ", 20)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 1 || limit > 1000 {
			return
		}
		line := string(AppendWord([]byte("why="), s, limit))
		name, value, rest, ok := Next(line)
		if !ok || name != "why" || rest != "" || len(value) > limit || Foreign(line) != line || Printable(line) != line {
			t.Fatalf("%q became %s: %q %q %q %v", s, line, name, value, rest, ok)
		}
		if again := string(AppendWord([]byte("why="), value, limit)); again != line {
			t.Errorf("%s became %s", line, again)
		}
		if strings.ContainsAny(value, "\"\n") {
			t.Errorf("value %q", value)
		}
	})
}
