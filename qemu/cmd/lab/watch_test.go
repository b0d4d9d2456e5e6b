package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
)

// lab watch SOURCE is beaminit-watch, whose tests have more.
func TestWatchSources(t *testing.T) {
	board := filepath.Join(t.TempDir(), "board.log")
	record := health.Record{Boot: 7, Seq: 1, Node: "app@n", State: health.Up, Peers: 2, Connected: 2}
	if err := os.WriteFile(board, append(record.Append([]byte(health.Speaker)), "\r\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		want int
		says string
	}{
		{"-require up -within 1m " + board, ok, "board.log up peers=2/2"},
		{board + " -once -require rescue -within 1m", failed, "1 of 1 up"},
		{board + " -once -web -within 1m", ok, "page: http://127.0.0.1"},
		{"/nowhere/at/all -once", badUsage, "/nowhere/at/all"},
	} {
		var out strings.Builder
		if got := lab(strings.Fields("watch "+tt.args), &out, &out); got != tt.want || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: exit status %d, want %d, and %q in:\n%s", tt.args, got, tt.want, tt.says, out.String())
		}
	}
}
