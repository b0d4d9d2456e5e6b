package cli

import (
	"io"
	"os"
	"testing"
)

// What a release answers cannot command a terminal, however it is cut; a pipe has it as it is.
func TestPrinted(t *testing.T) {
	const answer = "a\x1b]0;id\a\x9b21té\t€\xff\r\nb\n"
	for _, tt := range []struct {
		text bool
		want string
	}{
		{true, "a?]0;id??21té €?\nb\n"},
		{false, answer},
	} {
		for cut := range len(answer) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p := newPrinted(w)
			p.text = tt.text
			p.Write([]byte(answer[:cut]))
			p.Write([]byte(answer[cut:]))
			w.Close()
			got, err := io.ReadAll(r)
			r.Close()
			// A line end that is cut in two has its first half shown.
			if want := tt.want; err != nil || string(got) != want && string(got) != "a?]0;id??21té €??\nb\n" {
				t.Errorf("cut at %d: %q, %v; want %q", cut, got, err, want)
			}
		}
	}
}
