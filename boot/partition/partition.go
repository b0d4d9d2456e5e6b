// Package partition extends the last partition of a disk to the end of the disk, in a GPT (UEFI
// specification, 5.3) or an MBR. It computes what has to be written, in which order, from what
// lies on the disk, and writes nothing itself. After each of its writes the kernel finds the
// partitions, so a power cut between them takes none away, and asked again it goes on from there. A
// table that it does not understand whole it leaves alone.
package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Disk is a whole disk, as it is to be read.
type Disk struct {
	io.ReaderAt
	Size   int64 // bytes
	Sector int64 // of its logical sectors, in bytes: 512 or 4096
}

// Write is what goes to one place of a disk.
type Write struct {
	At   int64 // bytes
	Data []byte
}

// Plan is what extends a partition.
type Plan struct {
	Start, Size int64 // of the partition on its disk, once all is written, in bytes
	// Writes are to be made in their order, each on the disk before the next one; then
	// Extend is to be asked again, until there are none.
	Writes []Write
	// Limited says that the partition ends where an MBR does, and not where the disk does.
	Limited bool
}

const (
	step     = 4096      // a partition is extended to a multiple of it, in bytes
	worth    = 1 << 20   // less to gain is left, in bytes
	mbrTable = 446       // where the four entries of an MBR begin
	gptType  = 0xee      // of the entry that stands for a GPT
	mbrEnd   = 1<<32 - 1 // the sectors that an MBR can count
	someDisk = 64 << 10  // a smaller one has no room for a table and a partition, in bytes
)

// Extend says how the partition of a number, from 1, comes to the end of its disk. An error says why it is left as it is,
// and what would be right.
func Extend(d Disk, number int) (Plan, error) {
	if d.Sector != 512 && d.Sector != 4096 {
		return Plan{}, fmt.Errorf("the disk has sectors of %d bytes, want 512 or 4096", d.Sector)
	}
	first := make([]byte, d.Sector)
	if d.Size < someDisk || number < 1 {
		return Plan{}, errors.New("there is no partition table known here")
	}
	if _, err := d.ReadAt(first, 0); err != nil {
		return Plan{}, err
	}
	if first[510] != 0x55 || first[511] != 0xaa {
		return Plan{}, errors.New("there is neither a GPT nor an MBR on the disk")
	}
	protects := 0
	for i := range 4 {
		if slot(first, i)[4] == gptType {
			protects++
		}
	}
	if protects > 0 {
		return extendGPT(d, first, number)
	}
	return extendMBR(d, first, number)
}

// slot is an entry of an MBR: status, CHS of its begin, type, CHS of its end, first sector, sectors.
func slot(mbr []byte, i int) []byte { return mbr[mbrTable+16*i : mbrTable+16*i+16] }

// extent is where a slot of an MBR begins and ends, in sectors.
func extent(slot []byte) (start, end uint64) {
	start = uint64(binary.LittleEndian.Uint32(slot[8:]))
	return start, start + uint64(binary.LittleEndian.Uint32(slot[12:]))
}

func extendMBR(d Disk, mbr []byte, number int) (p Plan, err error) {
	if number > 4 {
		return p, fmt.Errorf("partition %d is a logical one of an MBR, which is not supported; want a primary one, or a GPT", number)
	}
	own := slot(mbr, number-1)
	start, end := extent(own)
	if isExtended(own[4]) || own[4] == 0 || start == 0 || start == end {
		return p, fmt.Errorf("the MBR has no primary partition %d", number)
	}
	for i := range 4 {
		other := slot(mbr, i)
		if i == number-1 || other[4] == 0 {
			continue
		}
		begin, until := extent(other)
		if err := lieBefore(number, i+1, start, end, begin, until); err != nil {
			return p, err
		}
	}
	sectors := uint64(d.Size / d.Sector)
	if end > sectors {
		return p, errors.New("the disk is smaller than its MBR says")
	}
	last := min(sectors, mbrEnd)
	p.Limited = last < sectors
	wanted := down(last, d.Sector)
	if wanted < end+worth/uint64(d.Sector) {
		wanted = end
	} else {
		copy(own[5:8], "\xfe\xff\xff") // "not to be told in cylinders", as sfdisk(8) writes it
		binary.LittleEndian.PutUint32(own[12:], uint32(wanted-start))
		p.Writes = []Write{{0, mbr}}
	}
	p.Start, p.Size = int64(start)*d.Sector, int64(wanted-start)*d.Sector
	return p, nil
}

// isExtended says that a partition of an MBR holds others.
func isExtended(kind byte) bool { return kind == 0x05 || kind == 0x0f || kind == 0x85 }

// lieBefore is an error where another partition is not wholly before the one of a number; ends
// are those behind the last sector.
func lieBefore(number, other int, start, end, begin, until uint64) error {
	switch {
	case begin >= end:
		return fmt.Errorf("partition %d lies behind it; want partition %d to be the last one on the disk", other, number)
	case until > start || until < begin:
		return fmt.Errorf("partitions %d and %d overlap", other, number)
	}
	return nil
}

// down is the last sector up to one that begins at a multiple of step.
func down(sectors uint64, size int64) uint64 {
	per := uint64(step / size)
	return sectors / per * per
}
