package console

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// RingSize is how much of the last output is kept, in bytes.
const RingSize = 64 << 10

// ring keeps the last output of the release in a file in memory (memfd_create(2)): the
// relay writes it, PID 1 reads it, and neither has to wait for or outlive the other. It
// begins with two counts of bytes, little endian: written, by the relay, and taken, by
// PID 1. The byte with number n lies at n modulo RingSize behind them.
type ring struct{ fd int }

// Where the counts lie, and what comes behind them.
const (
	ringWritten = 0
	ringTaken   = 8
	ringData    = 16
)

func (r ring) mark(at int64) uint64 {
	var b [8]byte
	unix.Pread(r.fd, b[:], at)
	return binary.LittleEndian.Uint64(b[:])
}

func (r ring) setMark(at int64, n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	unix.Pwrite(r.fd, b[:], at)
}

// add writes b, of at most RingSize bytes, behind the byte with number at, and gives the
// number to go on from.
func (r ring) add(at uint64, b []byte) uint64 {
	first := min(len(b), RingSize-int(at%RingSize))
	unix.Pwrite(r.fd, b[:first], ringData+int64(at%RingSize))
	unix.Pwrite(r.fd, b[first:], ringData)
	at += uint64(len(b))
	r.setMark(ringWritten, at)
	return at
}

// take gives what was written since the last time, or the end of it.
func (r ring) take() []byte {
	end := r.mark(ringWritten)
	begin := r.mark(ringTaken)
	if end == begin {
		return nil
	}
	if end-begin > RingSize {
		begin = end - RingSize
	}
	b := make([]byte, end-begin)
	first := min(len(b), RingSize-int(begin%RingSize))
	unix.Pread(r.fd, b[:first], ringData+int64(begin%RingSize))
	unix.Pread(r.fd, b[first:], ringData)
	r.setMark(ringTaken, end)
	return b
}
