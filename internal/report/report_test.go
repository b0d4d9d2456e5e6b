package report

import (
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for line, want := range map[string]string{
		`{"A":1}`:               "",
		`{"A":1} `:              "",
		`{"A":1,"B":2}`:         "unknown field",
		`{"A":1}{"A":2}`:        "more than one document",
		`{"A":`:                 "report: ",
		`{"A":"x"}`:             "report: ",
		strings.Repeat(" ", 65): "want 64 at most",
	} {
		var into struct{ A int }
		err := Decode([]byte(line), 64, &into)
		if want == "" && (err != nil || into.A != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, %+v, want %q", line, err, into, want)
		}
	}
}

func TestText(t *testing.T) {
	if got := Text("a\x1b[2J\nü\x9b" + strings.Repeat("x", 300)); !strings.HasPrefix(got, "a?[2J????x") || len(got) != maxText {
		t.Errorf("%q", got)
	}
}
