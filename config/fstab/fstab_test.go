package fstab

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const text = "# <source> <target>\n\n/dev/a\t/a  ext4\tdefaults 0 2\n" +
		"UUID=\"1-2\" /my\\040disk vfat ro,noauto # the card\n  a b\n/dev/b /b ext4 x y z w\n/dev/c /c ext4 a\x01b\n"
	want := []Entry{
		{Line: 3, Fields: 6, OK: true, Source: "/dev/a", Target: "/a", Type: "ext4", Check: true},
		{Line: 4, Fields: 4, OK: true, Source: "UUID=1-2", Target: "/my disk", Type: "vfat", Options: []string{"ro", "noauto"}},
		{Line: 5, Fields: 2},
		{Line: 6, Fields: 7},
		{Line: 7, Fields: 4},
	}
	if got := Parse(text); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestSplitOptions(t *testing.T) {
	got := SplitOptions([]string{"ro,noatime", `context="a:b,c",x`})
	if want := []string{"ro", "noatime", `context="a:b,c"`, "x"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzParse: each line is one entry at most, with a number of its own.
func FuzzParse(f *testing.F) {
	f.Add("/dev/a /a ext4 defaults 0 2\n# b\n\\040 \" #")
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, e := range Parse(text) {
			if e.Line <= last || e.Line > 1+strings.Count(text, "\n") || e.OK && (e.Fields < 3 || e.Type == "") {
				t.Errorf("%q: %+v after line %d", text, e, last)
			}
			last = e.Line
			for _, option := range e.Options[:min(len(e.Options), 8)] { // each is compared with all words
				if f, ok := CheckOption(e.Type, option); ok != (f.What == "") {
					t.Errorf("%q of %s: %+v, %v", option, e.Type, f, ok)
				}
			}
		}
	})
}
