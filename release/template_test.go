package release

import (
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	vars := []string{"A=1", "EMPTY=", "NAME=a&b", "NEST=${A}", "A=2"}
	for _, c := range []struct{ text, want, unset string }{
		{"", "", ""},
		{"plain $A {A}\n", "plain $A {A}\n", ""},
		{"${A}", "2", ""},
		{"-x ${A} ${NAME}${A}", "-x 2 a&b2", ""},
		{"${NO}${NO}|${EMPTY}", "|", "NO EMPTY"},
		{"${NO:-d}${EMPTY:-}${A:-x}${NO:-a:-b}", "d2a:-b", ""},
		{"${NEST}", "${A}", ""},
		{"${A\n}", "${A\n}", ""},
		{"end ${", "end ${", ""},
		{"$${A}}", "$2}", ""},
	} {
		got, unset := fill([]byte(c.text), vars)
		if string(got) != c.want || strings.Join(unset, " ") != c.unset {
			t.Errorf("%q: %q, unset %q, want %q, unset %q", c.text, got, unset, c.want, c.unset)
		}
	}
}

func FuzzFill(f *testing.F) {
	f.Add("${A} ${B:-x} ${", "y")
	f.Fuzz(func(t *testing.T, text, value string) {
		got, _ := fill([]byte(text), []string{"A=" + value})
		if !strings.Contains(text, "${") && string(got) != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
