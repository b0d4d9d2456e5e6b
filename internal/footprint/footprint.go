// Package footprint keeps a process of this program that lives long and does little small in
// memory.
package footprint

import (
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// begun is how long a child takes to begin, with what follows: an address, peers, connections.
const begun = 10 * time.Second

// Small is for a child of PID 1, at its start. One processor is enough for it; its heap stays
// at what is used; and what its beginning needed is given back when that is over.
func Small() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(10)
	time.AfterFunc(begun, GiveBack)
}

// GiveBack gives back what was needed and is not any more: the heap down to what is used,
// collected from now on at a tenth of the usual floor of 4 MiB; and the pages of the program
// itself, of which a start reads far more than ever again. Those come back from the page cache
// one by one when they are needed (madvise(2), MADV_DONTNEED: nobody writes to them).
func GiveBack() {
	debug.SetGCPercent(10)
	debug.FreeOSMemory()
	for _, s := range program() {
		unix.RawSyscall(unix.SYS_MADVISE, s.start, s.size, unix.MADV_DONTNEED)
	}
}

// segment is a part of the program in memory, in whole pages.
type segment struct{ start, size uintptr }

// program finds the parts of this program that nobody writes to. The kernel says where the
// table of them lies (getauxval(3)), so no file is needed: a child may open none.
func program() []segment {
	var at, count uintptr
	auxv, _ := unix.Auxv()
	for _, entry := range auxv {
		switch entry[0] {
		case 3: // AT_PHDR
			at = entry[1]
		case 5: // AT_PHNUM
			count = entry[1]
		}
	}
	if at == 0 {
		return nil
	}
	table := unsafe.Slice((*byte)(unsafe.Add(nil, at)), count*headerSize)
	return constant(table, at, uintptr(unix.Getpagesize()))
}

// The program headers of elf(5): Elf32_Phdr and Elf64_Phdr have their fields in another order.
const (
	wide       = strconv.IntSize == 64
	headerSize = 32 + (strconv.IntSize/64)*24 // 32 and 56 bytes

	typeLoad, typeTable = 1, 6 // PT_LOAD, PT_PHDR
	flagWrite           = 2    // PF_W
)

// constant reads the table of program headers that lies at this address: what is loaded and
// not to be written to. The loader may have put all of it elsewhere than the table has it.
func constant(table []byte, at, page uintptr) (list []segment) {
	var shift uintptr
	for ; len(table) >= headerSize; table = table[headerSize:] {
		kind, flags, start, size := header(table)
		switch {
		case kind == typeTable:
			shift = at - start
		case kind == typeLoad && flags&flagWrite == 0:
			from := (start + shift) &^ (page - 1)
			to := (start + shift + size) &^ (page - 1) // the rest of the last page may be another's
			if to > from {
				list = append(list, segment{from, to - from})
			}
		}
	}
	return list
}

// header reads one of them.
func header(b []byte) (kind, flags uint32, start, size uintptr) {
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	if !wide {
		return u32(0), u32(24), uintptr(u32(8)), uintptr(u32(20))
	}
	u64 := func(at int) uintptr { return uintptr(binary.NativeEndian.Uint64(b[at:])) }
	return u32(0), u32(4), u64(16), u64(40)
}
