package cli

import (
	"flag"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		args    string
		program bool
		rest    string
		n       int
	}{
		{"-n 3 node", false, "node", 3},
		{"node -n 3", false, "node", 3},
		{"-n 3 erl -sname x -n 4", true, "erl -sname x -n 4", 3},
		{"", false, "", 0},
	}
	for _, tt := range tests {
		fs := flag.NewFlagSet("x", flag.ContinueOnError)
		n := fs.Int("n", 0, "")
		rest, err := Parse(fs, strings.Fields(tt.args), tt.program)
		if err != nil || strings.Join(rest, " ") != tt.rest || *n != tt.n {
			t.Errorf("parse(%q) = %q with n=%d (%v), want %q with n=%d", tt.args, rest, *n, err, tt.rest, tt.n)
		}
	}
}
