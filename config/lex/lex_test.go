package lex

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	list := []string{"source", "target", "options", "wait"}
	for word, want := range map[string]string{"sourse": "source", "tagret": "target", "option": "options", "weit": "wait", "nothing": "", "": "", strings.Repeat("a", 200): ""} {
		if got := Nearest(word, list); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for s, want := range map[string]string{"a\tb\xff": `"a\tb\xff"`, "ä": `"\u00e4"`, strings.Repeat("a", 81): `"` + strings.Repeat("a", 72) + `"...`} {
		if got := Quote(s); got != want {
			t.Errorf("%q: got %s, want %s", s, got, want)
		}
	}
}

func TestSome(t *testing.T) {
	if got := Some([]string{"a", "b"}); got != "a, b" {
		t.Errorf("got %q", got)
	}
	if got := Some(make([]string, 23)); !strings.HasSuffix(got, " and 3 others") {
		t.Errorf("got %q", got)
	}
}

func TestIsDNSLabel(t *testing.T) {
	long := strings.Repeat("a", 63)
	for s, want := range map[string]bool{
		"a": true, "n-1": true, "7": true, long: true,
		"": false, "-a": false, "a-": false, "a_b": false, "a.b": false, long + "a": false, "ä": false,
	} {
		if got := IsDNSLabel(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}
