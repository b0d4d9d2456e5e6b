package supervise

import (
	"strings"
	"testing"
)

// FuzzCheckELF: whatever a file begins with, it gets a word and no panic.
func FuzzCheckELF(f *testing.F) {
	own := readStart("/proc/self/exe")
	f.Add(own, uint64(1<<30))
	f.Fuzz(func(t *testing.T, head string, size uint64) {
		if why := checkELF(head, own, size); why == "" && !strings.HasPrefix(head, own[:6]) {
			t.Errorf("%q is taken for a program", head)
		}
	})
}

func TestCheckELF(t *testing.T) {
	own := readStart("/proc/self/exe")
	const whole = 1 << 30
	with := func(at int, b byte) string { return own[:at] + string([]byte{b}) + own[at+1:] }
	tests := []struct {
		name, head, want string
		size             uint64
	}{
		{"too short", own[:63], "not a program (ELF)", whole},
		{"another machine", with(18, own[18]^1), "another machine", whole},
		{"another word size", with(4, own[4]^3), "another machine", whole},
		{"a core dump", with(16, 4), "another kind of ELF file", whole},
		{"no parts", own[:64] + strings.Repeat("\x00", 2000), "without anything to load", whole},
		{"parts elsewhere", own[:100], "cannot be told", whole},
	}
	for _, tt := range tests {
		if got := checkELF(tt.head, own, tt.size); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
