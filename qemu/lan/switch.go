// Package lan is the room of the virtual LAN: a layer-2 learning switch in user
// space that joins the network cards of the lab's nodes, with a sniffer, ports that
// can be cut, and a way in for a TAP device. It touches no network of the host.
//
// A port speaks QEMU's "stream" protocol: each Ethernet frame comes with its length
// in front, four bytes, the highest first (net/stream.c).
package lan

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxFrame = 65536 // as QEMU's NET_BUFSIZE, without what virtio adds
	minFrame = 14    // two addresses and a type
	queueLen = 2048  // frames a port may be behind before its frames are dropped
	maxMACs  = 1024  // addresses learned; of more, frames are flooded
)

// Switch joins ports. Its methods may be called from any goroutine.
type Switch struct {
	mu       sync.Mutex
	ports    []*port
	learned  map[station]*port
	count    Counters
	sniffers []*sniffer
	links    map[way]*link // what is wrong, see Impair
	traffic  map[way]uint64
	held     heldFrames
	order    uint64 // of the last frame that was held
	closed   bool
}

type mac [6]byte

// station is who sends on a LAN.
type station struct {
	lan string
	mac mac
}

func (m mac) group() bool { return m[0]&1 == 1 }

// Counters are the frames a switch has seen since it was made.
type Counters struct {
	Frames  uint64 `json:"frames"`  // that came in
	Bytes   uint64 `json:"bytes"`   // of those
	Flooded uint64 `json:"flooded"` // of those, sent to every port: a group address, or one not learned yet
	Dropped uint64 `json:"dropped"` // copies not sent: the port was too slow
	Cut     uint64 `json:"cut"`     // frames from or copies to a port that is cut, or over a link that is
	Lost    uint64 `json:"lost"`    // copies lost on the way by a fault
	Ports   int    `json:"ports"`
}

// At says where a port is: ports of one LAN hear each other and nobody else. The faults of a LAN are by the
// names of nodes, of which one can have several ports.
type At struct {
	LAN  string // empty: the only one
	Node string
	Card string // which of the node's; empty: its only one
}

// String is what the sniffer calls the port: the node, and its card where it has several.
func (a At) String() string {
	if a.Card == "" {
		return a.Node
	}
	return a.Node + ":" + a.Card
}

type port struct {
	At
	conn io.ReadWriteCloser
	out  chan []byte
	cut  bool
	done chan struct{}
}

// NewSwitch gives a switch without ports.
func NewSwitch() *Switch {
	return &Switch{learned: map[station]*port{}, links: map[way]*link{}, traffic: map[way]uint64{}}
}

// AttachAt makes conn a port and forwards its frames until conn ends or the switch
// is closed; then it closes conn. cut is whether the port starts cut. The returned
// channel is closed when the port is gone.
func (s *Switch) AttachAt(at At, conn io.ReadWriteCloser, cut bool) <-chan struct{} {
	p := &port{At: at, conn: conn, cut: cut, out: make(chan []byte, queueLen), done: make(chan struct{})}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.ports = append(s.ports, p)
	}
	s.mu.Unlock()
	if closed {
		conn.Close()
		close(p.done)
		return p.done
	}
	go p.send()
	go func() {
		s.receive(p)
		s.detach(p)
	}()
	return p.done
}

// Cut takes the ports of a node off a LAN, or puts them back, as if the cable
// were pulled; the guest sees its link stay up, as with a dead switch port. It gives
// the number of such ports.
func (s *Switch) Cut(lan, node string, cut bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.ports {
		if p.LAN == lan && p.Node == node {
			p.cut = cut
			n++
		}
	}
	return n
}

// Count gives the counters.
func (s *Switch) Count() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.count
	c.Ports = len(s.ports)
	return c
}

// Sniff writes every frame that comes in to w from now on, as pcapng, those of cut ports
// too, until a write fails or stop is called; then done is closed, everything is written.
func (s *Switch) Sniff(w io.Writer) (stop func(), done <-chan struct{}) {
	ended := make(chan struct{})
	var n *sniffer
	remove := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sniffers = slices.DeleteFunc(s.sniffers, func(o *sniffer) bool { return o == n })
		n.stop()
	}
	n = newSniffer(w, func(err error) {
		if err != nil {
			go remove()
		}
		close(ended)
	})
	s.mu.Lock()
	s.sniffers = append(s.sniffers, n)
	if s.closed {
		n.stop()
	}
	s.mu.Unlock()
	return remove, ended
}

// Comment puts a text beside the next frame that the sniffers see: what was done to the
// LAN there.
func (s *Switch) Comment(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.sniffers {
		if n.comment != "" {
			n.comment += "; "
		}
		n.comment += text
	}
}

// Close closes all ports and ends the sniffers.
func (s *Switch) Close() {
	s.mu.Lock()
	s.closed = true
	for _, n := range s.sniffers {
		n.stop()
	}
	s.sniffers, s.held = nil, nil
	ports := s.ports
	s.mu.Unlock()
	for _, p := range ports {
		p.conn.Close()
	}
	for _, p := range ports {
		<-p.done
	}
}

// receive takes the frames of one port until it ends.
func (s *Switch) receive(p *port) {
	r := bufio.NewReaderSize(p.conn, 64<<10)
	for {
		frame, err := readFrame(r)
		if err != nil {
			return
		}
		s.forward(p, frame)
	}
}

// readFrame reads one frame; an impossible length ends the stream, because where
// the next frame starts cannot be known any more.
func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < minFrame || n > maxFrame {
		return nil, errors.New("impossible frame length")
	}
	frame := make([]byte, 4+n) // the length stays in front: it is sent on as it came
	copy(frame, head[:])
	_, err := io.ReadFull(r, frame[4:])
	return frame, err
}

func (s *Switch) forward(from *port, frame []byte) {
	var dst, src mac
	copy(dst[:], frame[4:])
	copy(src[:], frame[10:])
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count.Frames++
	s.count.Bytes += uint64(len(frame) - 4)
	fate := s.deliver(from, dst, src, frame)
	for _, n := range s.sniffers {
		n.frame(now, from.String(), frame[4:], fate)
	}
}

// deliver sends a frame where it belongs, and says what became of it on the way.
func (s *Switch) deliver(from *port, dst, src mac, frame []byte) (fate string) {
	if from.cut {
		s.count.Cut++
		return "cut"
	}
	sender := station{from.LAN, src}
	if _, known := s.learned[sender]; !src.group() && (known || len(s.learned) < maxMACs) {
		s.learned[sender] = from
	}
	to := []*port{s.learned[station{from.LAN, dst}]}
	if to[0] == nil || dst.group() {
		s.count.Flooded++
		to = s.ports
	}
	var fates []string
	for _, p := range to {
		if p == from || p.LAN != from.LAN {
			continue
		}
		if fate := s.pass(from, p, frame); fate != "" {
			fates = append(fates, fate+" on the way to "+p.String())
		}
	}
	return strings.Join(fates, ", ")
}

// give queues a frame for a port and never waits: a port that does not take its
// frames loses them, and the others do not notice.
func (s *Switch) give(from string, to *port, frame []byte) {
	if to.cut {
		s.count.Cut++
		return
	}
	select {
	case to.out <- frame:
		s.traffic[way{to.LAN, from, to.Node}]++
	default:
		s.count.Dropped++
	}
}

// send writes a port's frames until the port is gone.
func (p *port) send() {
	for {
		select {
		case <-p.done:
			return
		case frame := <-p.out:
			if _, err := p.conn.Write(frame); err != nil {
				p.conn.Close() // receive sees it and detaches
				return
			}
		}
	}
}

func (s *Switch) detach(p *port) {
	s.mu.Lock()
	for i, q := range s.ports {
		if q == p {
			s.ports = append(s.ports[:i:i], s.ports[i+1:]...)
			break
		}
	}
	for m, q := range s.learned {
		if q == p {
			delete(s.learned, m)
		}
	}
	s.forget(p.Node)
	s.mu.Unlock()
	p.conn.Close()
	close(p.done)
}
