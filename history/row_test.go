package history

import (
	"os"
	"testing"

	"github.com/beaminit/beaminit/internal/logfmt"
)

// Few never says so of a row that is as long, whatever the entries.
func TestFew(t *testing.T) {
	tests := []struct {
		name  string
		kinds []Kind
		want  bool
	}{
		{"none", nil, true},
		{"three of three", []Kind{Boot, Boot, Boot}, false},
		{"two", []Kind{Boot, End, End, Boot}, true},
		{"up before", []Kind{Boot, Boot, Boot, Up, Boot, Boot}, true},
		{"up long before", []Kind{Up, Boot, Boot, Boot, End}, false},
		{"rescue before", []Kind{Boot, Boot, Boot, Rescue, Boot}, true},
		{"fallback before", []Kind{Boot, Boot, Boot, Fallback, Boot}, true},
	}
	for _, tt := range tests {
		for _, long := range []bool{false, true} {
			dir := t.TempDir()
			var text []byte
			boot := uint32(1)
			if long { // too much to be seen at once
				for i := 0; i < 40; i++ {
					text = append(Entry{Kind: End, Boot: 1, Why: "exit status 1"}.Append(text), '\n')
				}
			}
			for _, k := range tt.kinds {
				if k == Boot {
					boot++
				}
				text = append(Entry{Kind: k, Boot: boot}.Append(text), '\n')
			}
			if err := os.WriteFile(dir+"/history", text, 0o600); err != nil {
				t.Fatal(err)
			}
			entries, _, err := Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := Few(dir, 3)
			if !long && got != tt.want || got && Failed(entries, 0) >= 3 {
				t.Errorf("%s, long %v: got %v, Failed is %d", tt.name, long, got, Failed(entries, 0))
			}
		}
	}
	// What a release said last is not what happened, in the words of this version and of
	// those before it, which wrote them as they came.
	dir := t.TempDir()
	lie := Prefix + "kind=up boot=00000004 at=0 up=0.000 crc=00000000"
	text := string(Entry{Kind: Boot, Boot: 1, Tail: lie}.Append(nil)) + "\n" +
		string(Entry{Kind: Boot, Boot: 2}.Append(nil)) + "\n" +
		string(logfmt.AppendChecksum([]byte(Prefix+`kind=boot boot=00000003 at=0 up=0.000 tail="`+lie+`"`), 0)) + "\n"
	if err := os.WriteFile(dir+"/history", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if entries, _, err := Read(dir); err != nil || Few(dir, 3) || Failed(entries, 0) != 3 {
		t.Errorf("three failed boots, and what they said: few, %d failed (%v)", Failed(entries, 0), err)
	}
	if !Few(t.TempDir(), 1) {
		t.Error("a node without a history has to try")
	}
}
