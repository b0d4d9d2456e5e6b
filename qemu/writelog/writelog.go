// Package writelog says what a disk holds after a power cut: it reads the log of all writes and
// flushes that QEMU keeps of a disk (its block driver blklogwrites, in the format of kernel
// Documentation/admin-guide/device-mapper/log-writes.rst), and makes the disk of any moment.
// What was flushed is there; of what came later, a disk may have written any part.
package writelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
)

// Log is the log of a disk.
type Log struct {
	file    *os.File
	Entries []Entry
}

// Entry is a write, a discard, or a flush of all writes before it.
type Entry struct {
	At, Size int64 // bytes of the disk
	End      int64 // of the entry in the log: who knows how long the log was at a moment knows what was in it
	Flush    bool
	FUA      bool // the write is on the disk when it is done
	Discard  bool
	data     int64 // where they are in the log
}

const (
	magic = 0x6a736677736872

	flagFlush   = 1
	flagFUA     = 2
	flagDiscard = 4
)

// Open reads the log. A last entry that is not whole is none.
func Open(path string) (*Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		l := &Log{file: f}
		if l.Entries, err = read(f, info.Size()); err == nil {
			return l, nil
		}
	}
	f.Close()
	return nil, fmt.Errorf("%s: %w", path, err)
}

// Close closes the log.
func (l *Log) Close() error { return l.file.Close() }

// read reads the entries of a log of so many bytes.
func read(r io.ReaderAt, size int64) (list []Entry, err error) {
	head := make([]byte, 32)
	if _, err := r.ReadAt(head[:28], 0); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint64(head) != magic {
		return nil, errors.New("it is no log of writes")
	}
	sector := int64(binary.LittleEndian.Uint32(head[24:]))
	if sector < 512 || sector > 1<<16 || sector&(sector-1) != 0 {
		return nil, fmt.Errorf("its sectors have %d bytes", sector)
	}
	for at := sector; at+sector <= size; {
		if _, err := r.ReadAt(head, at); err != nil {
			return nil, err
		}
		var f [4]uint64 // sector, number of sectors, flags, length of what is written for itself
		for i := range f {
			f[i] = binary.LittleEndian.Uint64(head[8*i:])
		}
		if f[0] > 1<<40 || f[1] > 1<<32 || f == [4]uint64{} {
			break // room that was made and is not yet written
		}
		e := Entry{
			At:      int64(f[0]) * sector,
			Size:    int64(f[1]) * sector,
			Flush:   f[2]&flagFlush != 0,
			FUA:     f[2]&flagFUA != 0,
			Discard: f[2]&flagDiscard != 0,
			data:    at + sector,
		}
		at += sector
		if !e.Discard {
			at += e.Size
		}
		if at > size {
			break
		}
		e.End = at
		list = append(list, e)
	}
	return list, nil
}

// Cut writes to disk, which is as the first entry found it, what it holds when the power is cut
// behind the first n entries: all that was flushed, and of the rest what chance wants, the
// sectors of the last write too.
func (l *Log) Cut(disk io.WriterAt, n int, chance *rand.Rand) error {
	entries := l.Entries[:n]
	flushed := -1
	for i, e := range entries {
		if e.Flush {
			flushed = i
		}
	}
	for i, e := range entries {
		size := e.Size
		if i > flushed && !e.FUA {
			switch {
			case chance.Intn(2) == 0:
				continue
			case i == n-1:
				size = chance.Int63n(size/512+1) * 512
			}
		}
		if err := l.apply(disk, e, size); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) apply(disk io.WriterAt, e Entry, size int64) error {
	if size == 0 || e.Discard { // whose content nobody relies on
		return nil
	}
	data := make([]byte, size)
	if _, err := l.file.ReadAt(data, e.data); err != nil {
		return err
	}
	_, err := disk.WriteAt(data, e.At)
	return err
}
