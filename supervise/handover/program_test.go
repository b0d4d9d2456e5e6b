package handover

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/elf"
)

func TestUnfit(t *testing.T) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	own, err := elf.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	const whole = 1 << 30
	without := func(kind uint32) []elf.Segment {
		return slices.DeleteFunc(slices.Clone(own.Segments), func(s elf.Segment) bool { return s.Kind == kind })
	}
	static := func(p *elf.File) { p.Segments = without(elf.Interp) } // a test under -race has one
	tests := []struct {
		name   string
		change func(p *elf.File)
		size   uint64
		want   string // empty: it can
	}{
		{"itself", static, whole, ""},
		{"another machine", func(p *elf.File) { p.Machine ^= 1 }, whole, "another machine"},
		{"another word size", func(p *elf.File) { p.Wide = !p.Wide }, whole, "another machine"},
		{"a core dump", func(p *elf.File) { p.Type = 4 }, whole, "another kind of ELF file"},
		{"nothing to load", func(p *elf.File) { p.Segments = nil }, whole, "without anything to load"},
		{"dynamic", func(p *elf.File) { p.Segments = append(without(elf.Interp), elf.Segment{Kind: elf.Interp}) }, whole, "want a static program"},
		{"cut off", static, 4096, "cut off"},
	}
	for _, tt := range tests {
		p := *own
		tt.change(&p)
		if got := unfit(&p, own, tt.size); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
