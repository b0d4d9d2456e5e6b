package history

import (
	"os"
	"testing"
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
	if !Few(t.TempDir(), 1) {
		t.Error("a node without a history has to try")
	}
}
