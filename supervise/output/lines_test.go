package output

import (
	"reflect"
	"strings"
	"testing"
)

func TestSplitter(t *testing.T) {
	long := strings.Repeat("x", longestLine)
	tests := []struct {
		name string
		in   []string
		want []string
	}{
		{"whole lines", []string{"a\nb\n"}, []string{"a", "b"}},
		{"in pieces", []string{"a", "b\nc", "\n"}, []string{"ab", "c"}},
		{"blank ones", []string{"\n\r\n \na\r\n"}, []string{"a"}},
		{"too long", []string{long + "yz\n"}, []string{long, "yz"}},
		{"just long enough", []string{long, "\n"}, []string{long}},
		{"unfinished", []string{"a"}, nil},
	}
	for _, tt := range tests {
		var s splitter
		var got []string
		for _, in := range tt.in {
			s.take([]byte(in), func(line string) { got = append(got, line) })
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
