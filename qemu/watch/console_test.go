package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestConsoleSplitsLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name   string
		pieces []string
		want   []string
	}{
		{"in pieces", []string{"on", "e\r", "\ntwo\nthr", "ee", "\r\n"}, []string{"one", "two", "three"}},
		{"empty lines", []string{"\n\n"}, []string{"", ""}},
		{"no end yet", []string{"half"}, nil},
		{"far too long", []string{long, "yz\n"}, []string{long, "yz"}},
		{"far too long, in one piece", []string{long + "yz\nnext\n"}, []string{long + "yz", "next"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &Console{}
			var got []string
			for _, p := range tt.pieces {
				for _, l := range c.split([]byte(p)) {
					got = append(got, string(l))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %.60q, want %.60q", got, tt.want)
			}
		})
	}
}

func TestConsoleKeepsALog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.log")
	c, err := NewConsole(path)
	if err != nil {
		t.Fatal(err)
	}
	pieces, stop := c.Follow()
	c.Took([]byte("one\r\ntw"))
	c.Took([]byte("o\r\n"))
	stop()
	c.Took([]byte("three\n"))
	if got, want := c.Tail(2), []string{"two", "three"}; !slices.Equal(got, want) {
		t.Errorf("the last two lines are %q, want %q", got, want)
	}
	for n, want := range map[int]int{-3: 0, 0: 0, 1 << 40: 3} {
		lines, _, _ := c.After(3 - n)
		if got := c.Tail(n); len(got) != want || len(lines) != want {
			t.Errorf("the last %d lines are %q, those behind %d %q", n, got, 3-n, lines)
		}
	}
	if got := string(<-pieces) + string(<-pieces); got != "one\r\ntwo\r\n" || len(pieces) != 0 {
		t.Errorf("the follower got %q and %d more pieces", got, len(pieces))
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "one\r\ntwo\r\nthree\n" {
		t.Errorf("the log has %q (%v)", got, err)
	}
}

// A log that grows for ever would fill the disk of who leaves a lab alone.
func TestConsoleLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.log")
	c, err := NewConsole(path)
	if err != nil {
		t.Fatal(err)
	}
	piece := []byte(strings.Repeat("a line of the console\n", 4096))
	for range 3 * maxLog / len(piece) {
		c.Took(piece)
	}
	for _, f := range []string{path, path + ".old"} {
		st, err := os.Stat(f)
		if err != nil || st.Size() > maxLog+int64(len(piece)) {
			t.Errorf("%s: %v (%v), want at most %d bytes", f, st, err, maxLog)
		}
	}
	if n := len(c.Tail(1 << 20)); n != keptLines {
		t.Errorf("%d lines in memory, want %d", n, keptLines)
	}
}
