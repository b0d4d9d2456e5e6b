package lan

import (
	"encoding/binary"
	"io"
	"time"
)

// pcap writes the classic file format of pcap-savefile(5), microseconds, Ethernet.
type pcap struct {
	w   io.Writer
	buf []byte
}

func newPcap(w io.Writer) (*pcap, error) {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(b, 2) // version 2.4
	b = le.AppendUint16(b, 4)
	b = le.AppendUint64(b, 0) // time zone and accuracy, never used
	b = le.AppendUint32(b, maxFrame)
	b = le.AppendUint32(b, 1) // LINKTYPE_ETHERNET
	_, err := w.Write(b)
	return &pcap{w: w}, err
}

// frame appends one frame, in a single write: a file that is cut short by a kill
// ends between two frames.
func (p *pcap) frame(at time.Time, frame []byte) error {
	le := binary.LittleEndian
	p.buf = le.AppendUint32(p.buf[:0], uint32(at.Unix()))
	p.buf = le.AppendUint32(p.buf, uint32(at.Nanosecond()/1000))
	p.buf = le.AppendUint32(p.buf, uint32(len(frame)))
	p.buf = le.AppendUint32(p.buf, uint32(len(frame)))
	p.buf = append(p.buf, frame...)
	_, err := p.w.Write(p.buf)
	return err
}
