package lan

import (
	"encoding/binary"
	"io"
	"sync"
	"time"
)

// The blocks and options of pcapng (IETF draft-ietf-opsawg-pcapng), in the byte order of
// this file.
const (
	sectionBlock   = 0x0a0d0d0a
	interfaceBlock = 1
	packetBlock    = 6 // Enhanced Packet Block
	byteOrder      = 0x1a2b3c4d
	ethernet       = 1 // LINKTYPE_ETHERNET
	optComment     = 1
	optName        = 2 // if_name
	optResolution  = 9 // if_tsresol; 9: nanoseconds
)

// sniffer writes what a switch sees as pcapng: an interface for each port, by its name,
// and comments where something was done to the LAN or to a frame. It never waits: what
// its reader does not take in time is lost, and the next frame says how many were.
type sniffer struct {
	ports   map[string]uint32
	comment string // for the next frame
	lost    int
	blocks  chan []byte
	stop    func()
}

// sniffQueue is how many frames the reader of a sniffer may be behind.
const sniffQueue = 4096

// newSniffer writes to w from now on, until a write fails or it is stopped; then it calls
// ended once.
func newSniffer(w io.Writer, ended func(error)) *sniffer {
	n := &sniffer{ports: map[string]uint32{}, blocks: make(chan []byte, sniffQueue)}
	n.stop = sync.OnceFunc(func() { close(n.blocks) })
	le := binary.LittleEndian
	b := le.AppendUint32(nil, byteOrder)
	b = le.AppendUint16(b, 1)          // version 1.0
	b = le.AppendUint16(b, 0)          //
	b = le.AppendUint64(b, ^uint64(0)) // the section's length is not known
	n.blocks <- block(sectionBlock, b)
	go func() {
		var err error
		for b := range n.blocks {
			if err == nil {
				if _, err = w.Write(b); err != nil {
					ended(err)
				}
			}
		}
		if err == nil {
			ended(nil)
		}
	}()
	return n
}

// frame writes a frame that came in at a port, with what is to be said of it.
func (n *sniffer) frame(at time.Time, from string, frame []byte, fate string) {
	if len(n.blocks) > sniffQueue-2 {
		n.lost++
		return
	}
	id, known := n.ports[from]
	if !known {
		id = uint32(len(n.ports))
		n.ports[from] = id
		n.blocks <- interfaceOf(from)
	}
	var comments []string
	if n.comment != "" {
		comments, n.comment = append(comments, n.comment), ""
	}
	if n.lost > 0 {
		comments, n.lost = append(comments, "the sniffer missed frames here"), 0
	}
	if fate != "" {
		comments = append(comments, fate)
	}
	n.blocks <- packet(id, at, frame, comments)
}

func interfaceOf(name string) []byte {
	le := binary.LittleEndian
	b := le.AppendUint16(nil, ethernet)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint32(b, 0) // frames are whole
	b = option(b, optName, name)
	b = option(b, optResolution, "\x09")
	return block(interfaceBlock, endOfOptions(b))
}

func packet(id uint32, at time.Time, frame []byte, comments []string) []byte {
	le := binary.LittleEndian
	ns := uint64(at.UnixNano())
	b := le.AppendUint32(nil, id)
	b = le.AppendUint32(b, uint32(ns>>32))
	b = le.AppendUint32(b, uint32(ns))
	b = le.AppendUint32(b, uint32(len(frame)))
	b = le.AppendUint32(b, uint32(len(frame)))
	b = padded(append(b, frame...))
	for _, c := range comments {
		b = option(b, optComment, c)
	}
	if len(comments) > 0 {
		b = endOfOptions(b)
	}
	return block(packetBlock, b)
}

func option(b []byte, code uint16, value string) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return padded(append(b, value...))
}

func endOfOptions(b []byte) []byte { return append(b, 0, 0, 0, 0) }

// padded fills up to a multiple of four bytes, as every field of pcapng wants.
func padded(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// block puts the type and, on both ends, the length around a body.
func block(kind uint32, body []byte) []byte {
	le := binary.LittleEndian
	length := uint32(len(body) + 12)
	b := le.AppendUint32(nil, kind)
	b = le.AppendUint32(b, length)
	b = append(b, body...)
	return le.AppendUint32(b, length)
}
