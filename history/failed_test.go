package history

import (
	"os"
	"slices"
	"testing"

	"github.com/beaminit/beaminit/internal/logfmt"

	"github.com/beaminit/beaminit/internal/nstest"
)

// The glance sees as long a row as the whole file has, whatever the entries.
func TestFailedBoots(t *testing.T) {
	nstest.AsRoot(t)
	tests := []struct {
		name  string
		kinds []Kind
		want  int
		fell  bool
	}{
		{"none", nil, 0, false},
		{"three of three", []Kind{Boot, Boot, Boot}, 3, false},
		{"two", []Kind{Boot, End, End, Boot}, 2, false},
		{"up before", []Kind{Boot, Boot, Boot, Up, Boot, Boot}, 2, false},
		{"up long before", []Kind{Up, Boot, Boot, Boot, End}, 3, false},
		{"rescue before", []Kind{Boot, Boot, Boot, Rescue, Boot}, 1, false},
		{"up, and then fallback", []Kind{Boot, Boot, Up, Fallback, Boot}, 1, true},
		{"fallback, and then up", []Kind{Boot, Fallback, Boot, Up, Confirm, Boot}, 1, false},
		{"fallback, and rescue", []Kind{Boot, Fallback, Rescue, Boot}, 1, false},
		{"fallback before", []Kind{Boot, Boot, Boot, Fallback, Boot}, 1, true},
		{"more than is seen at once", []Kind{Up, Boot, Boot, End, End, End, End, End, End, End, End, Boot, Boot, Boot}, 5, false},
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
			want := tt.want
			if long && !tt.fell && !slices.Contains(tt.kinds, Up) && !slices.Contains(tt.kinds, Rescue) && !slices.Contains(tt.kinds, Fallback) {
				want++ // the boot of what stands before
			}
			if n, fell := FailedBoots(dir, 0); n != want || fell != tt.fell {
				t.Errorf("%s, long %v: %d %v, want %d %v", tt.name, long, n, fell, want, tt.fell)
			}
		}
	}
	if n, _ := FailedBoots(t.TempDir(), 0); n != 0 {
		t.Errorf("%d failed boots of a node without a history", n)
	}
}

// The words of a release in what is remembered of it are no entries.
func TestFailedBootsOfWords(t *testing.T) {
	nstest.AsRoot(t)
	dir := t.TempDir()
	lie := string(Entry{Kind: Up, Boot: 3}.Append(nil))
	entries := []Entry{{Kind: Boot, Boot: 1}, {Kind: End, Boot: 1, Tail: lie, Why: lie, Slogan: lie}, {Kind: Boot, Boot: 2}, {Kind: Note, Boot: 2, Why: Prefix + "kind=up "}}
	if err := Add(dir, entries); err != nil {
		t.Fatal(err)
	}
	// The versions before wrote them as they came.
	old := logfmt.AppendChecksum([]byte(Prefix+`kind=boot boot=00000003 at=0 up=0.000 tail="`+Prefix+`kind=up boot=00000004 at=0 up=0.000 crc=00000000"`), 0)
	f, err := os.OpenFile(dir+"/history", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Write(append(old, '\n'))
	f.Close()
	if n, _ := FailedBoots(dir, 0); n != 3 {
		t.Errorf("%d failed boots, want 3", n)
	}
}
