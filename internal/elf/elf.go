// Package elf reads a program or a shared library (elf(5)) as far as the kernel and the dynamic
// linker do: the headers, and the dynamic section where the program headers say that it is.
// debug/elf goes by the sections, and brings what unpacks debugging data with it: 225 KB.
package elf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"
)

// File is such a file.
type File struct {
	Wide     bool // ELFCLASS64
	Order    binary.ByteOrder
	Type     uint16 // e_type: Exec, Dyn, or what is no program
	Machine  uint16 // e_machine
	Segments []Segment
	file     io.ReaderAt
}

// Segment is an entry of the program header.
type Segment struct {
	Kind               uint32 // p_type
	Offset, Addr, Size uint64 // in the file, in memory; bytes in the file
}

// The types of a file and of a segment that mean something here.
const (
	Exec, Dyn             = 2, 3
	Load, Dynamic, Interp = 1, 2, 3
)

const dtNeeded, dtStrTab, dtRPath, dtRunPath = 1, 5, 15, 29

// These bound what is read of a file that only looks like ELF: headers and entries of the
// dynamic section, bytes of a name.
const (
	maxSegments = 128
	maxDynamic  = 1024
)

// ErrNotELF is what the kernel says of it too, where it is no script.
var ErrNotELF = fmt.Errorf("not an ELF program: %w", unix.ENOEXEC)

// Read reads the headers of a file. The error is ErrNotELF where it is something else, or is cut off in
// their midst. The file is read again by Interpreter and Libraries.
func Read(file io.ReaderAt) (*File, error) {
	p := &File{file: file}
	if !p.readHeaders() {
		return nil, ErrNotELF
	}
	return p, nil
}

// readHeaders reads the header of the file and those of its segments.
func (p *File) readHeaders() bool {
	h := p.read(0, 64)
	if len(h) < 52 || h[4] == 2 && len(h) < 64 || string(h[:4]) != "\x7fELF" || h[4] < 1 || h[4] > 2 || h[5] < 1 || h[5] > 2 {
		return false
	}
	p.Wide, p.Order = h[4] == 2, binary.LittleEndian
	if h[5] == 2 {
		p.Order = binary.BigEndian
	}
	p.Type, p.Machine = p.Order.Uint16(h[16:]), p.Order.Uint16(h[18:])
	table, each, count := p.word(h, 28, 32), p.Order.Uint16(h[42:]), p.Order.Uint16(h[44:])
	if p.Wide {
		each, count = p.Order.Uint16(h[54:]), p.Order.Uint16(h[56:])
	}
	if count > maxSegments || each < 32 || p.Wide && each < 56 {
		return count == 0
	}
	all := p.read(table, int(each)*int(count))
	for ; len(all) >= int(each); all = all[each:] {
		p.Segments = append(p.Segments, Segment{
			Kind: p.Order.Uint32(all), Offset: p.word(all, 4, 8), Addr: p.word(all, 8, 16), Size: p.word(all, 16, 32),
		})
	}
	return len(p.Segments) == int(count)
}

// read is what the file has at an offset, n bytes at most.
func (p *File) read(offset uint64, n int) []byte {
	b := make([]byte, n)
	n, _ = p.file.ReadAt(b, int64(offset))
	return b[:max(n, 0)]
}

// word is a number as long as an address, which lies elsewhere in either class.
func (p *File) word(b []byte, at32, at64 int) uint64 {
	if !p.Wide {
		return uint64(p.Order.Uint32(b[at32:]))
	}
	if len(b) < at64+8 {
		return 0
	}
	return p.Order.Uint64(b[at64:])
}

// text is the string at an offset of the file.
func (p *File) text(offset uint64) string {
	text, _, _ := bytes.Cut(p.read(offset, unix.PathMax), []byte{0})
	return string(text)
}

// Interpreter is what starts the program (PT_INTERP), "" for a static one.
func (p *File) Interpreter() string {
	for _, s := range p.Segments {
		if s.Kind == Interp {
			return p.text(s.Offset)
		}
	}
	return ""
}

// Libraries are the names of the shared libraries that the file wants (DT_NEEDED),
// and the directories in which it wants them looked for first (DT_RPATH, DT_RUNPATH).
func (p *File) Libraries() (names, dirs []string) {
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
func (p *File) dynamic() (entries [][2]uint64) {
	size := 8
	if p.Wide {
		size = 16
	}
	for _, s := range p.Segments {
		if s.Kind != Dynamic {
			continue
		}
		b := p.read(s.Offset, size*int(min(maxDynamic, s.Size/uint64(size))))
		for ; len(b) >= size; b = b[size:] {
			entries = append(entries, [2]uint64{p.word(b, 0, 0), p.word(b, 4, 8)})
		}
	}
	return entries
}

// offsetOf is where in the file lies what will be at an address.
func (p *File) offsetOf(addr uint64) uint64 {
	for _, s := range p.Segments {
		if s.Kind == Load && addr >= s.Addr && addr-s.Addr < s.Size {
			return addr - s.Addr + s.Offset
		}
	}
	return addr
}
