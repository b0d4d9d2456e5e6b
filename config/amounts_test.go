package config

import "testing"

func TestSize(t *testing.T) {
	for _, tt := range []struct {
		text  string
		want  int64
		ok    bool
		again string
	}{
		{"0", 0, true, "0"}, {"1", 1, true, "1"}, {"1023", 1023, true, "1023"}, {"1024", 1024, true, "1K"},
		{"16M", 16 << 20, true, "16M"}, {"1G", 1 << 30, true, "1G"}, {"2048K", 2 << 20, true, "2M"}, {"1500K", 1500 << 10, true, "1500K"},
		{"", 0, false, ""}, {"M", 0, false, ""}, {"-1", 0, false, ""}, {"+1", 0, false, ""}, {"1m", 0, false, ""}, {"1MB", 0, false, ""},
		{"1.5M", 0, false, ""}, {"99999999999999999999", 0, false, ""}, {"9999999999G", 0, false, ""},
	} {
		got, ok := parseSize(tt.text)
		if ok != tt.ok || ok && (got != tt.want || sizeText(got) != tt.again) {
			t.Errorf("%q: got %d %v %q, want %d %v %q", tt.text, got, ok, sizeText(got), tt.want, tt.ok, tt.again)
		}
	}
}
