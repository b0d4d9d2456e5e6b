package cluster

import (
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// MaxPeers is how many peers there may be at most: a report of them all is one write to a
// pipe, which is atomic up to PIPE_BUF, 4,096 bytes (pipe(7)).
const MaxPeers = 4000

// OrderKind is what PID 1 tells the monitor to do.
type OrderKind byte

// The orders.
const (
	Rest  OrderKind = 'r' // the release does not run: look at nothing
	Await OrderKind = 'a' // it was started, and will not say when it is there: find out
	Look  OrderKind = 'w' // it runs: probe it, and watch its peers
	Renew OrderKind = 'n' // there is another table to watch: it comes with the order
)

// Order is what PID 1 writes to the monitor.
type Order struct {
	Kind OrderKind
	PID  int // of the VM
}

// orderSize is the size of an encoded Order.
const orderSize = 8

// Encode gives the order's bytes.
func (o Order) Encode() []byte {
	return binary.LittleEndian.AppendUint32([]byte{byte(o.Kind), 0, 0, 0}, uint32(o.PID))
}

// decodeOrder reads an order; ok is false where b is none.
func decodeOrder(b []byte) (o Order, ok bool) {
	if len(b) != orderSize {
		return o, false
	}
	return Order{OrderKind(b[0]), int(binary.LittleEndian.Uint32(b[4:]))}, true
}

// Kind says what a Message is.
type Kind byte

// The kinds of messages of the monitor to PID 1.
const (
	Found  Kind = 'R' // Report
	Heal   Kind = 'H' // the release is to connect to Peer, which answers
	Cut    Kind = 'C' // Socket, which connects to Peer, is to be destroyed: Peer is dead
	Healed Kind = 'A' // Peer is connected again, after a Heal
)

// Report is what the monitor found.
type Report struct {
	Answer Answer // 0: not probed this time
	Took   time.Duration
	Known  bool        // Peers could be found out
	Table  uint32      // which Watch.Table they are those of
	Peers  []PeerState // in the order of Watch.Peers
}

// Message is what the monitor writes to PID 1.
type Message struct {
	Kind   Kind
	PID    int           // of the VM that it is about, as the order had it: by now there may be another
	Report Report        // of Found
	Peer   string        // of the others: its name, maxName bytes at most
	Socket Socket        // of Cut
	Pause  time.Duration // of Heal: until the next attempt at least; 0: the usual time
	Own    bool          // of Cut: not the peer is dead, but the VM of this node is stopped
}

const headSize = 20

// maxName is how long the name of a peer is at most, in bytes (RFC 1035, 2.3.4).
const maxName = 255

// Encode gives the message's bytes: kind, answer, known, how many peers or bytes of a name
// follow, time, VM, table, and then what the kind has of its own.
func (m Message) Encode() []byte {
	b := append(make([]byte, 0, headSize+len(m.Report.Peers)), byte(m.Kind), byte(m.Report.Answer), 0, 0)
	if m.Report.Known {
		b[2] = 1
	}
	if m.Own {
		b[3] = 1
	}
	n := min(len(m.Peer), maxName)
	if m.Kind == Found {
		n = min(len(m.Report.Peers), MaxPeers)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	took := m.Report.Took
	if m.Kind == Heal {
		took = m.Pause
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(took/time.Microsecond))
	b = binary.LittleEndian.AppendUint32(b, uint32(m.PID))
	b = binary.LittleEndian.AppendUint32(b, m.Report.Table)
	if m.Kind == Found {
		for _, s := range m.Report.Peers[:n] {
			b = append(b, byte(s))
		}
		return b
	}
	b = append(b, m.Peer[:n]...)
	if m.Kind == Cut {
		b = append(b, m.Socket[:]...)
	}
	return b
}

// ReadMessage reads a message. The error is that of r, or says that it was none.
func ReadMessage(r io.Reader) (m Message, err error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return m, err
	}
	m.Kind, m.PID = Kind(head[0]), int(binary.LittleEndian.Uint32(head[12:]))
	n := binary.LittleEndian.Uint32(head[4:])
	if n > MaxPeers || Answer(head[1]) > Strange {
		return m, errors.New("not a message of the monitor")
	}
	switch m.Kind {
	case Found:
		m.Report = Report{Answer: Answer(head[1]), Known: head[2] == 1, Table: binary.LittleEndian.Uint32(head[16:])}
		m.Report.Took = time.Duration(binary.LittleEndian.Uint32(head[8:])) * time.Microsecond
		states := make([]byte, n)
		if _, err := io.ReadFull(r, states); err != nil {
			return m, err
		}
		for _, s := range states {
			m.Report.Peers = append(m.Report.Peers, min(PeerState(s), peerStates-1))
		}
		return m, nil
	case Heal:
		m.Pause = time.Duration(binary.LittleEndian.Uint32(head[8:])) * time.Microsecond
	case Cut:
		m.Own = head[3] == 1
	case Healed:
	default:
		return m, errors.New("not a message of the monitor")
	}
	if n > maxName {
		return m, errors.New("not a message of the monitor")
	}
	name := make([]byte, n)
	if _, err := io.ReadFull(r, name); err != nil {
		return m, err
	}
	m.Peer = string(name)
	if m.Kind == Cut {
		_, err = io.ReadFull(r, m.Socket[:])
	}
	return m, err
}
