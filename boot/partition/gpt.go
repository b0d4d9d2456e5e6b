package partition

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Where the fields of a GPT's header are, and how long what is in it is, in bytes (UEFI
// specification, tables 5.5 and 5.6).
const (
	hdrRevision = 8
	hdrSize     = 12
	hdrCRC      = 16
	hdrOwn      = 24 // its own sector
	hdrOther    = 32 // that of the other header
	hdrFirst    = 40 // the first sector that partitions may have
	hdrLast     = 48 // and the last one
	hdrGUID     = 56
	hdrEntries  = 72 // the first sector of the entries
	hdrCount    = 80
	hdrEach     = 84
	hdrSum      = 88 // of the entries
	hdrEnd      = 92

	entrySize  = 128
	entryStart = 32 // the first sector, and behind it the last one

	mainHeader  = 1 // the sector of the first header
	mainEntries = 2 // and of its entries, where they are understood
	maxEntries  = 1024
	minArray    = 16 << 10 // room for entries, in bytes, however few there are
)

// errDamaged is a table whose checksum is wrong.
var errDamaged = errors.New("the checksum of the GPT is wrong")

// gpt is one of the two headers of a disk, and the entries it leads to.
type gpt struct {
	header  []byte // its whole sector
	entries []byte
}

func (g *gpt) u32(at int) uint32 { return binary.LittleEndian.Uint32(g.header[at:]) }
func (g *gpt) u64(at int) uint64 { return binary.LittleEndian.Uint64(g.header[at:]) }

func (g *gpt) guid() [16]byte { return [16]byte(g.header[hdrGUID:]) }

func (g *gpt) entry(i int) []byte { return g.entries[i*entrySize : (i+1)*entrySize] }

// extent is where the partition of an entry begins, and the sector behind its last one; used: there is one.
func (g *gpt) extent(i int) (start, end uint64, used bool) {
	e := g.entry(i)
	start = binary.LittleEndian.Uint64(e[entryStart:])
	end = binary.LittleEndian.Uint64(e[entryStart+8:]) + 1
	return start, end, [16]byte(e[:16]) != [16]byte{}
}

// read reads the header in a sector, and its entries. One that is damaged is read as far as it
// can be.
func (d Disk) read(sector uint64) (g gpt, err error) {
	if sector >= uint64(d.Size/d.Sector) {
		return g, errors.New("the disk is smaller than its GPT says")
	}
	g.header = make([]byte, d.Sector)
	if _, err := d.ReadAt(g.header, int64(sector)*d.Sector); err != nil {
		return g, err
	}
	size, count, entries := g.u32(hdrSize), g.u32(hdrCount), g.u64(hdrEntries)
	switch {
	case string(g.header[:8]) != "EFI PART":
		return g, errors.New("the GPT has no header")
	case size < hdrEnd || int64(size) > d.Sector || crc32.ChecksumIEEE(g.cleared()[:size]) != g.u32(hdrCRC):
		return g, errDamaged
	case g.u32(hdrRevision) != 0x10000:
		return g, errors.New("the GPT is of a revision that is not known here, want 1.0")
	case g.u64(hdrOwn) != sector:
		return g, errors.New("the header of the GPT is not that of its sector")
	case g.u32(hdrEach) != entrySize || count == 0 || count > maxEntries:
		return g, fmt.Errorf("the GPT has %d entries of %d bytes, want 1 to %d of %d", count, g.u32(hdrEach), maxEntries, entrySize)
	case entries >= uint64(d.Size/d.Sector):
		return g, errors.New("the disk is smaller than its GPT says")
	}
	g.entries = make([]byte, count*entrySize)
	if _, err := d.ReadAt(g.entries, int64(entries)*d.Sector); err != nil {
		return g, err
	}
	if crc32.ChecksumIEEE(g.entries) != g.u32(hdrSum) {
		return g, errDamaged
	}
	return g, nil
}

// cleared is the header as its checksum is made of it.
func (g *gpt) cleared() []byte {
	h := bytes.Clone(g.header)
	clear(h[hdrCRC : hdrCRC+4])
	return h
}

// headerFor is the header of a table for a sector: which the other one is, where the entries
// are, and the last sector for partitions.
func (g *gpt) headerFor(own, other, entries, last uint64) []byte {
	h := gpt{header: g.cleared()}
	binary.LittleEndian.PutUint64(h.header[hdrOwn:], own)
	binary.LittleEndian.PutUint64(h.header[hdrOther:], other)
	binary.LittleEndian.PutUint64(h.header[hdrEntries:], entries)
	binary.LittleEndian.PutUint64(h.header[hdrLast:], last)
	binary.LittleEndian.PutUint32(h.header[hdrSum:], crc32.ChecksumIEEE(g.entries))
	binary.LittleEndian.PutUint32(h.header[hdrCRC:], crc32.ChecksumIEEE(h.header[:h.u32(hdrSize)]))
	return h.header
}

// array is the entries, with zeros up to whole sectors, and to a number of bytes.
func (g *gpt) array(sector, atLeast int64) []byte {
	size := (max(int64(len(g.entries)), atLeast) + sector - 1) / sector * sector
	return append(bytes.Clone(g.entries), make([]byte, size-int64(len(g.entries)))...)
}

// extendGPT: the kernel looks at the second header only where it is told to ("gpt" on its command
// line; block/partitions/efi.c, find_valid_gpt), so the first one has to be right at each moment.
// Header and entries cannot be changed at once, but the header can, which is one sector: it leads
// to the second header's entries while its own are written.
func extendGPT(d Disk, mbr []byte, number int) (p Plan, err error) {
	protective, err := protectiveSlot(mbr)
	if err != nil {
		return p, err
	}
	g, err := d.read(mainHeader)
	if err == errDamaged {
		return d.repair(g, number)
	}
	if err != nil {
		return p, err
	}
	second, noSecond := d.read(g.u64(hdrOther))
	if err := d.understand(&g, number); err != nil {
		return p, err
	}
	start, end, _ := g.extent(number - 1)
	p.Start, p.Size = int64(start)*d.Sector, int64(end-start)*d.Sector
	switch entries := g.u64(hdrEntries); {
	case entries == mainEntries:
	case noSecond == nil && entries == second.u64(hdrEntries): // it was cut off in the midst
		return d.finish(p, g), nil
	default:
		return p, fmt.Errorf("the entries of the GPT begin at sector %d, want %d", entries, mainEntries)
	}
	last := uint64(d.Size/d.Sector) - 1
	array := uint64(len(g.array(d.Sector, minArray))) / uint64(d.Sector)
	wanted := down(last-array, d.Sector)
	if wanted < end+worth/uint64(d.Sector) {
		return p, nil
	}
	grown := gpt{g.header, bytes.Clone(g.entries)}
	binary.LittleEndian.PutUint64(grown.entry(number - 1)[entryStart+8:], wanted-1)
	if noSecond == nil && !isSame(&g, &second, number) {
		return p, errors.New("the two headers of the GPT disagree; sgdisk -v or sfdisk --verify says in what")
	}
	p.Size = int64(wanted-start) * d.Sector
	atEnd := append(grown.array(d.Sector, minArray), grown.headerFor(last, mainHeader, last-array, last-array-1)...)
	p.Writes = []Write{{int64(last-array) * d.Sector, atEnd}}
	if sectors := uint32(min(last, 1<<32-1)); binary.LittleEndian.Uint32(protective[12:]) != sectors {
		binary.LittleEndian.PutUint32(protective[12:], sectors)
		p.Writes = append(p.Writes, Write{0, mbr})
	}
	grown.header = grown.headerFor(mainHeader, last, last-array, last-array-1)
	p.Writes = append(p.Writes, Write{mainHeader * d.Sector, grown.header})
	return d.finish(p, grown), nil
}

// protectiveSlot is the entry of an MBR that keeps others off the GPT. It has to be the only
// one: with others beside it the MBR is hybrid, and two tables would have to be kept the same.
func protectiveSlot(mbr []byte) (found []byte, err error) {
	for i := range 4 {
		switch s := slot(mbr, i); {
		case s[4] == gptType && found == nil && binary.LittleEndian.Uint32(s[8:]) == mainHeader:
			found = s
		case s[4] != 0:
			return nil, errors.New("the disk has a hybrid MBR beside its GPT, which is not supported")
		}
	}
	return found, nil
}

// understand is an error where the table has what is not understood, or where the partition is
// not the last one.
func (d Disk) understand(g *gpt, number int) error {
	first, last := g.u64(hdrFirst), g.u64(hdrLast)
	sectors := uint64(d.Size / d.Sector)
	if last >= sectors || g.u64(hdrOther) >= sectors || g.u64(hdrOther) <= mainHeader {
		return errors.New("the disk is smaller than its GPT says")
	}
	if first < mainEntries+uint64(len(g.array(d.Sector, 0)))/uint64(d.Sector) || first > last {
		return errors.New("the GPT has partitions begin where its entries are")
	}
	count := len(g.entries) / entrySize
	if number > count {
		return fmt.Errorf("the GPT has no partition %d", number)
	}
	start, end, used := g.extent(number - 1)
	if !used {
		return fmt.Errorf("the GPT has no partition %d", number)
	}
	for i := range count {
		begin, until, used := g.extent(i)
		switch {
		case !used:
		case begin < first || until > last+1 || until <= begin:
			return fmt.Errorf("partition %d is not where the GPT has room for partitions", i+1)
		case i != number-1:
			if err := lieBefore(number, i+1, start, end, begin, until); err != nil {
				return err
			}
		}
	}
	return nil
}

// isSame says that a second header is that of the first; where the partition of that number ends
// they may differ, as the second one is written first.
func isSame(g, second *gpt, number int) bool {
	without := func(g *gpt) []byte {
		h := gpt{entries: bytes.Clone(g.entries)}
		clear(h.entry(number - 1)[entryStart+8 : entryStart+16])
		return h.entries
	}
	return g.guid() == second.guid() && g.u64(hdrFirst) == second.u64(hdrFirst) &&
		len(g.entries) == len(second.entries) && bytes.Equal(without(g), without(second))
}

// finish has the entries written to their place, and the first header lead to them.
func (d Disk) finish(p Plan, g gpt) Plan {
	p.Writes = append(p.Writes,
		Write{mainEntries * d.Sector, g.array(d.Sector, 0)},
		Write{mainHeader * d.Sector, g.headerFor(mainHeader, g.u64(hdrOther), mainEntries, g.u64(hdrLast))})
	return p
}

// repair makes the first table anew from the second one, where a write of it was cut off. It can
// only be asked for where the kernel was told to take the second one, or there is no partition.
func (d Disk) repair(damaged gpt, number int) (p Plan, err error) {
	last := uint64(d.Size/d.Sector) - 1
	g, err := d.read(last)
	if err != nil || damaged.u64(hdrEntries) != mainEntries || damaged.guid() != g.guid() {
		return p, fmt.Errorf("%w, and the end of the disk has no second one of it", errDamaged)
	}
	g.header = g.headerFor(mainHeader, last, mainEntries, g.u64(hdrLast))
	if err := d.understand(&g, number); err != nil {
		return p, err
	}
	start, end, _ := g.extent(number - 1)
	p.Start, p.Size = int64(start)*d.Sector, int64(end-start)*d.Sector
	return d.finish(p, g), nil
}
