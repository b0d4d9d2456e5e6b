package notify

import (
	"bytes"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		message string
		want    Words
	}{
		{"READY=1", Words{Ready: true}},
		{"READY=1\n", Words{Ready: true}},
		{"STATUS=loading\nREADY=1\nMAINPID=87\n", Words{Ready: true}},
		{"RELOADING=1\nMONOTONIC_USEC=1\nREADY=1", Words{Ready: true}},
		{StartedWord, Words{Started: true}},
		{StartedWord + "\nREADY=1", Words{true, true}},
		{"", Words{}},
		{"\n\n", Words{}},
		{"READY=0", Words{}},
		{"READY=1 ", Words{}},
		{"READY=11", Words{}},
		{"ready=1", Words{}},
		{" READY=1", Words{}},
		{"READY=1\x00", Words{}},
		{"STATUS=READY=1", Words{}},
		{"STOPPING=1\nWATCHDOG=1\nERRNO=2\nEXTEND_TIMEOUT_USEC=1\nFDSTORE=1\nBARRIER=1", Words{}},
		{"X_BEAMINIT=startedish", Words{}},
		{strings.Repeat("\n", MaxMessage-7) + "READY=1", Words{Ready: true}},
	}
	for _, tt := range tests {
		if got := Parse([]byte(tt.message)); got != tt.want {
			t.Errorf("%q: got %+v, want %+v", tt.message, got, tt.want)
		}
	}
}

// Whatever comes: a word counts if, and only if, it is a line of its own.
func FuzzParse(f *testing.F) {
	f.Add([]byte("STATUS=x\nREADY=1\n" + StartedWord))
	f.Add([]byte("\nREADY=1\x00\n\xff"))
	f.Fuzz(func(t *testing.T, message []byte) {
		before := bytes.Clone(message)
		got := Parse(message)
		has := func(word string) bool {
			return strings.Contains("\n"+string(before)+"\n", "\n"+word+"\n")
		}
		if want := (Words{has(StartedWord), has("READY=1")}); got != want {
			t.Errorf("%q: got %+v, want %+v", message, got, want)
		}
		if !bytes.Equal(message, before) {
			t.Errorf("%q was changed", before)
		}
	})
}
