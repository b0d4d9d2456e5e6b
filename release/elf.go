package release

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// elf reads an ELF file (elf(5)) of either class and byte order. Whatever is in the
// file, outside of its bytes there are zeros.
type elf struct {
	bytes     []byte
	wide, big bool
}

// The parts of a program header table and a dynamic section that are of use here.
const (
	ptLoad    = 1
	ptDynamic = 2
	ptInterp  = 3

	dtNeeded  = 1
	dtStrtab  = 5
	dtRpath   = 15
	dtRunpath = 29
)

// elfOf is the file with these bytes, of which a beginning is enough for machine
// and interpreter.
func elfOf(b []byte) (e elf, ok bool) {
	if len(b) < 52 || string(b[:4]) != "\x7fELF" || b[4] != 1 && b[4] != 2 || b[5] != 1 && b[5] != 2 {
		return e, false
	}
	return elf{b, b[4] == 2, b[5] == 2}, true
}

func (e *elf) num(at uint64, size int) (v uint64) {
	if at > uint64(len(e.bytes)) || uint64(size) > uint64(len(e.bytes))-at {
		return 0
	}
	for i := 0; i < size; i++ {
		shift := 8 * i
		if e.big {
			shift = 8 * (size - 1 - i)
		}
		v |= uint64(e.bytes[at+uint64(i)]) << shift
	}
	return v
}

// word is a number of the file's own word size.
func (e *elf) word(at uint64) uint64 {
	if e.wide {
		return e.num(at, 8)
	}
	return e.num(at, 4)
}

// machine is e_machine: what processor the program is for.
func (e *elf) machine() int { return int(e.num(18, 2)) }

// segment is a program header: what of the file is where in memory.
type segment struct{ kind, offset, addr, size uint64 }

// segment gives the nth of them.
func (e *elf) segment(n uint64) (s segment, ok bool) {
	table, size, count, at := e.num(28, 4), e.num(42, 2), e.num(44, 2), uint64(4)
	if e.wide {
		table, size, count, at = e.num(32, 8), e.num(54, 2), e.num(56, 2), 8
	}
	header := table + n*size
	if n >= count || header >= uint64(len(e.bytes)) {
		return s, false
	}
	// p_type, p_offset, p_vaddr, p_filesz: the latter three are words from at on, with
	// p_paddr before the last.
	return segment{e.num(header, 4), e.word(header + at), e.word(header + 2*at), e.word(header + 4*at)}, true
}

// first is the first segment of a kind; all zero: there is none.
func (e *elf) first(kind uint64) segment {
	for n := uint64(0); ; n++ {
		if s, ok := e.segment(n); !ok || s.kind == kind {
			return s
		}
	}
}

// interpreter is what starts the program (PT_INTERP), "" for a static one.
func (e *elf) interpreter() (path string) {
	s := e.first(ptInterp)
	return e.text(s.offset, s.size)
}

// text is the string at an offset, at most n bytes of it.
func (e *elf) text(at, n uint64) string {
	if at > uint64(len(e.bytes)) {
		return ""
	}
	b := e.bytes[at:]
	b, _, _ = bytes.Cut(b[:min(n, uint64(len(b)))], []byte{0})
	return string(b)
}

// libraries are the names of the shared libraries that the file wants (DT_NEEDED),
// and the directories in which it wants them looked for first (DT_RPATH, DT_RUNPATH).
func (e *elf) libraries() (names, dirs []string) {
	texts := e.offset(e.dynamic(dtStrtab, func(uint64) {}))
	e.dynamic(dtNeeded, func(v uint64) { names = append(names, e.text(texts+v, 255)) })
	for _, tag := range [...]uint64{dtRpath, dtRunpath} {
		e.dynamic(tag, func(v uint64) { dirs = append(dirs, strings.Split(e.text(texts+v, 4096), ":")...) })
	}
	return names, dirs
}

// dynamic calls f with the value of each entry of the dynamic section that has this
// tag, and gives the last one.
func (e *elf) dynamic(tag uint64, f func(value uint64)) (last uint64) {
	word := uint64(4)
	if e.wide {
		word = 8
	}
	s := e.first(ptDynamic)
	end := min(s.offset+s.size, uint64(len(e.bytes)))
	for at := s.offset; at < end && e.word(at) != 0; at += 2 * word {
		if e.word(at) == tag {
			last = e.word(at + word)
			f(last)
		}
	}
	return last
}

// offset is where in the file an address of memory is.
func (e *elf) offset(addr uint64) uint64 {
	for n := uint64(0); ; n++ {
		s, ok := e.segment(n)
		if !ok {
			return 0
		}
		if s.kind == ptLoad && addr >= s.addr && addr-s.addr < s.size {
			return s.offset + addr - s.addr
		}
	}
}

// The processors that are known by a name here: e_machine of linux/elf-em.h.
const (
	em386, emMIPS, emPPC64, emARM, emAMD64, emARM64, emRISCV, emLoong = 3, 8, 21, 40, 62, 183, 243, 258
)

// ownMachine is the processor that this program was made for; 0: not known.
func ownMachine() int {
	switch runtime.GOARCH {
	case "amd64":
		return emAMD64
	case "386":
		return em386
	case "arm64":
		return emARM64
	case "arm":
		return emARM
	case "riscv64":
		return emRISCV
	case "ppc64", "ppc64le":
		return emPPC64
	case "loong64":
		return emLoong
	case "mips", "mipsle", "mips64", "mips64le":
		return emMIPS
	}
	return 0
}

// machineName is e_machine in words.
func machineName(m int) string {
	switch m {
	case em386:
		return "x86 (32 bits)"
	case emAMD64:
		return "x86-64"
	case emARM:
		return "ARM (32 bits)"
	case emARM64:
		return "ARM (64 bits)"
	case emRISCV:
		return "RISC-V"
	case emPPC64:
		return "POWER"
	case emMIPS:
		return "MIPS"
	case emLoong:
		return "LoongArch"
	}
	return fmt.Sprintf("another processor (e_machine %d)", m)
}

// runsOn says whether the kernel for one processor may run programs for another.
func runsOn(kernel, program int) bool {
	return kernel == 0 || kernel == program || kernel == emAMD64 && program == em386 || kernel == emARM64 && program == emARM
}

// machineOf is the processor of the node that fsys is the root of. A running node
// has the one that this program runs on; an image has the one of its init.
func machineOf(fsys FS) int {
	if fsys == Root("/") || fsys == Root("") {
		return ownMachine()
	}
	b, _ := fsys.Read("/sbin/init", headers)
	e, _ := elfOf(b)
	return e.machine()
}

// headers is how much of a program every linker has its program headers and the name
// of its interpreter in.
const headers = 1 << 10

// runs says why the kernel of the node cannot start a program. A file that is no ELF
// it leaves to Check.
func runs(fsys FS, path string) error {
	b, err := fsys.Read(path, headers)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	e, ok := elfOf(b)
	if !ok {
		return nil
	}
	if own := machineOf(fsys); !runsOn(own, e.machine()) {
		return errors.New(path + ": is for " + machineName(e.machine()) + ", the node is " + machineName(own) + "; want the release built for the node")
	}
	if interp := e.interpreter(); interp != "" {
		if _, err := fsys.Mode(interp); err != nil {
			return fmt.Errorf("%s: needs the interpreter %s: %w; want the C library in the image that the ERTS was built with", path, interp, err)
		}
	}
	return nil
}
