package release

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"
)

// program is an ELF file (elf(5)), a program or a shared library, as far as the kernel and
// the dynamic linker read it: the headers, and the dynamic section where the program headers
// say that it is. debug/elf goes by the sections, and brings what unpacks debugging data
// with it: 225 KB.
type program struct {
	file     io.ReaderAt
	order    binary.ByteOrder
	wide     bool   // ELFCLASS64
	machine  uint16 // e_machine
	segments []segment
}

type segment struct {
	kind               uint32
	offset, addr, size uint64
}

const (
	ptLoad, ptDynamic, ptInterp            = 1, 2, 3
	dtNeeded, dtStrTab, dtRPath, dtRunPath = 1, 5, 15, 29
)

// These bound what is read of a file that only looks like ELF: headers and entries of the
// dynamic section, bytes of a name.
const (
	maxSegments = 128
	maxDynamic  = 1024
)

// errNotELF is what the kernel says of it too, where it is no script.
var errNotELF = fmt.Errorf("not an ELF program: %w", unix.ENOEXEC)

// openProgram reads the headers of a program. The error is that of the system call where
// it cannot be read, and errNotELF where it is something else. Close has to be called.
func openProgram(fsys FS, path string) (*program, io.Closer, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, nil, err
	}
	p := &program{file: f}
	if !p.readHeaders() {
		f.Close()
		return nil, nil, errNotELF
	}
	return p, f, nil
}

// readHeaders reads the header of the file and those of its segments.
func (p *program) readHeaders() bool {
	h := p.read(0, 64)
	if len(h) < 52 || h[4] == 2 && len(h) < 64 || string(h[:4]) != "\x7fELF" || h[4] < 1 || h[4] > 2 || h[5] < 1 || h[5] > 2 {
		return false
	}
	p.wide, p.order = h[4] == 2, binary.LittleEndian
	if h[5] == 2 {
		p.order = binary.BigEndian
	}
	p.machine = p.order.Uint16(h[18:])
	table, each, count := p.word(h, 28, 32), p.order.Uint16(h[42:]), p.order.Uint16(h[44:])
	if p.wide {
		each, count = p.order.Uint16(h[54:]), p.order.Uint16(h[56:])
	}
	if count > maxSegments || each < 32 || p.wide && each < 56 {
		return count == 0
	}
	all := p.read(table, int(each)*int(count))
	for ; len(all) >= int(each); all = all[each:] {
		p.segments = append(p.segments, segment{
			kind: p.order.Uint32(all), offset: p.word(all, 4, 8), addr: p.word(all, 8, 16), size: p.word(all, 16, 32),
		})
	}
	return len(p.segments) == int(count)
}

// read is what the file has at an offset, n bytes at most.
func (p *program) read(offset uint64, n int) []byte {
	b := make([]byte, n)
	n, _ = p.file.ReadAt(b, int64(offset))
	return b[:max(n, 0)]
}

// word is a number as long as an address, which lies elsewhere in either class.
func (p *program) word(b []byte, at32, at64 int) uint64 {
	if !p.wide {
		return uint64(p.order.Uint32(b[at32:]))
	}
	if len(b) < at64+8 {
		return 0
	}
	return p.order.Uint64(b[at64:])
}

// text is the string at an offset of the file.
func (p *program) text(offset uint64) string {
	text, _, _ := bytes.Cut(p.read(offset, unix.PathMax), []byte{0})
	return string(text)
}

// interpreter is what starts the program (PT_INTERP), "" for a static one.
func (p *program) interpreter() string {
	for _, s := range p.segments {
		if s.kind == ptInterp {
			return p.text(s.offset)
		}
	}
	return ""
}

// libraries are the names of the shared libraries that the file wants (DT_NEEDED),
// and the directories in which it wants them looked for first (DT_RPATH, DT_RUNPATH).
func (p *program) libraries() (names, dirs []string) {
	entries := p.dynamic()
	var table uint64
	for _, e := range entries {
		if e[0] == dtStrTab {
			table = e[1]
		}
	}
	for _, e := range entries {
		switch e[0] {
		case dtNeeded:
			names = append(names, p.text(p.offsetOf(table+e[1])))
		case dtRPath, dtRunPath:
			dirs = append(dirs, strings.Split(p.text(p.offsetOf(table+e[1])), ":")...)
		}
	}
	return names, dirs
}

// dynamic are the tags and values of the dynamic section.
func (p *program) dynamic() (entries [][2]uint64) {
	size := 8
	if p.wide {
		size = 16
	}
	for _, s := range p.segments {
		if s.kind != ptDynamic {
			continue
		}
		b := p.read(s.offset, size*min(maxDynamic, int(min(s.size, maxFile))/size))
		for ; len(b) >= size; b = b[size:] {
			entries = append(entries, [2]uint64{p.word(b, 0, 0), p.word(b, 4, 8)})
		}
	}
	return entries
}

// offsetOf is where in the file lies what will be at an address.
func (p *program) offsetOf(addr uint64) uint64 {
	for _, s := range p.segments {
		if s.kind == ptLoad && addr >= s.addr && addr-s.addr < s.size {
			return addr - s.addr + s.offset
		}
	}
	return addr
}
