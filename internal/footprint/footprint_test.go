package footprint

import (
	"encoding/binary"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// phdr is a program header as this machine's kernel reads it.
func phdr(kind, flags uint32, start, size uint64) []byte {
	b := make([]byte, headerSize)
	e := binary.NativeEndian
	e.PutUint32(b, kind)
	if wide {
		e.PutUint32(b[4:], flags)
		e.PutUint64(b[16:], start)
		e.PutUint64(b[40:], size)
		return b
	}
	e.PutUint32(b[24:], flags)
	e.PutUint32(b[8:], uint32(start))
	e.PutUint32(b[20:], uint32(size))
	return b
}

func TestConstant(t *testing.T) {
	const r, w, x = 4, 2, 1
	text, rodata, data := phdr(typeLoad, r|x, 0x400000, 0x311000), phdr(typeLoad, r, 0x711000, 0x31d7f0), phdr(typeLoad, r|w, 0xa2f000, 0x1b000)
	for _, tt := range []struct {
		name  string
		at    uintptr
		table [][]byte
		want  []segment
	}{
		{"at a fixed address", 0x400040, [][]byte{phdr(typeTable, r, 0x400040, 0x188), text, rodata, data}, []segment{{0x400000, 0x311000}, {0x711000, 0x31d000}}},
		{"position independent", 0x5555_0040, [][]byte{phdr(typeTable, r, 0x40, 0x188), phdr(typeLoad, r|x, 0, 0x2000), phdr(typeLoad, r|w, 0x2000, 0x2000)}, []segment{{0x5555_0000, 0x2000}}},
		{"less than a page", 0x400040, [][]byte{phdr(typeTable, r, 0x400040, 0x188), phdr(typeLoad, r, 0x711000, 0xfff)}, nil},
		{"a note is not loaded", 0x400040, [][]byte{phdr(4, r, 0x400f9c, 0x64)}, nil},
		{"nothing", 0x400040, nil, nil},
	} {
		if got := constant(slices.Concat(tt.table...), tt.at, 0x1000); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %#x, want %#x", tt.name, got, tt.want)
		}
	}
}

// What the program's own table says is what the kernel has mapped (proc(5), maps).
func TestProgram(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	var mapped []uintptr // that begin there, and are not to be written to
	for _, line := range strings.Split(strings.TrimSpace(string(maps)), "\n") {
		span, rest, _ := strings.Cut(line, "-")
		if at, err := strconv.ParseUint(span, 16, 64); err == nil && !strings.Contains(strings.Fields(rest)[1], "w") {
			mapped = append(mapped, uintptr(at))
		}
	}
	list := program()
	if len(list) < 2 {
		t.Errorf("got %#x, want text and read-only data at least", list)
	}
	for _, s := range list {
		if !slices.Contains(mapped, s.start) {
			t.Errorf("nothing that is only read begins at %#x:\n%s", s.start, maps)
		}
	}
}

// What is given back has to be there again when it is needed.
func TestGiveBack(t *testing.T) {
	before := fileRSS(t)
	GiveBack()
	if after := fileRSS(t); after >= before {
		t.Errorf("%d kB of files are mapped, and were %d before", after, before)
	}
}

// fileRSS is RssFile of proc(5), in kB.
func fileRSS(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "RssFile:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
