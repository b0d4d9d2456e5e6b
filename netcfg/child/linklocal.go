package child

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// The constants of RFC 3927, 9.
const (
	probeWait      = time.Second
	probeCount     = 3
	probeMin       = time.Second
	probeMax       = 2 * time.Second
	announceWait   = 2 * time.Second
	announceCount  = 2
	announceEvery  = 2 * time.Second
	maxConflicts   = 10
	rateLimit      = time.Minute // between attempts, after maxConflicts
	defendInterval = 10 * time.Second
)

// local takes a link-local IPv4 address on one link (RFC 3927), for as long as that has a
// carrier.
type local struct {
	link int
	ifi  *net.Interface
	news chan<- news
}

// arp is an ARP packet for IPv4 over Ethernet (RFC 826).
type arp struct {
	op               uint16
	sender, target   netip.Addr
	senderHW, destHW [6]byte
}

const (
	arpRequest = 1
	sizeofARP  = 28
)

func (a arp) bytes() []byte {
	b := make([]byte, 0, sizeofARP)
	b = append(b, 0, 1, 8, 0, 6, 4) // Ethernet, IPv4, sizes of their addresses
	b = binary.BigEndian.AppendUint16(b, a.op)
	b = append(append(b, a.senderHW[:]...), a.sender.AsSlice()...)
	return append(append(b, a.destHW[:]...), a.target.AsSlice()...)
}

// parseARP reads a packet; ok is false for what is none for IPv4 over Ethernet.
func parseARP(b []byte) (a arp, ok bool) {
	if len(b) < sizeofARP || string(b[:6]) != "\x00\x01\x08\x00\x06\x04" {
		return a, false
	}
	a.op = binary.BigEndian.Uint16(b[6:])
	copy(a.senderHW[:], b[8:])
	a.sender = netip.AddrFrom4([4]byte(b[14:18]))
	copy(a.destHW[:], b[18:])
	a.target = netip.AddrFrom4([4]byte(b[24:28]))
	return a, true
}

// candidate is the nth address that a node with that hardware address tries: 169.254.1.0 to
// 169.254.254.255, the same at each boot (2.1).
func candidate(hw net.HardwareAddr, n int) netip.Addr {
	h := fnv.New32a()
	h.Write(hw)
	h.Write([]byte{byte(n)})
	v := h.Sum32()%(254<<8) + 1<<8
	return netip.AddrFrom4([4]byte{169, 254, byte(v >> 8), byte(v)})
}

// run takes an address, defends it, and takes another where that fails, until ctx ends.
func (l *local) run(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		if n > 0 && n%maxConflicts == 0 {
			sleep(ctx, rateLimit)
		}
		if err := l.hold(ctx, candidate(l.ifi.HardwareAddr, n)); err != nil && ctx.Err() == nil {
			l.tell(ctx, news{only: true, say: []string{"link-local address: " + err.Error()}})
			sleep(ctx, rateLimit)
		}
	}
}

func (l *local) tell(ctx context.Context, n news) {
	n.link = l.link
	select {
	case l.news <- n:
	case <-ctx.Done():
	}
}

// hold claims one address, and returns when another machine has it, without an error.
func (l *local) hold(ctx context.Context, a netip.Addr) error {
	conn, err := packet.Listen(l.ifi, packet.Datagram, unix.ETH_P_ARP, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	between := time.Duration(rand.Int64N(int64(probeWait)))
	for i := 0; i <= probeCount; i++ { // the last wait is for the answers to the last probe
		taken, err := l.taken(conn, a, true, between)
		if taken || err != nil || ctx.Err() != nil {
			return err
		}
		if between = announceWait; i < probeCount {
			if i < probeCount-1 {
				between = probeMin + time.Duration(rand.Int64N(int64(probeMax-probeMin)))
			}
			if err := l.send(conn, netip.IPv4Unspecified(), a); err != nil {
				return err
			}
		}
	}
	p := netip.PrefixFrom(a, 16)
	l.tell(ctx, news{local: &p})
	defer l.tell(ctx, news{local: &netip.Prefix{}})
	for i := 0; i < announceCount; i++ {
		if err := l.send(conn, a, a); err != nil {
			return err
		}
		if taken, err := l.taken(conn, a, false, announceEvery); taken || err != nil {
			return err
		}
	}
	return l.defend(ctx, conn, a)
}

// defend answers the first other machine that uses the address; a second one within
// defendInterval gets it (2.5, b).
func (l *local) defend(ctx context.Context, conn net.PacketConn, a netip.Addr) error {
	var last time.Time
	for ctx.Err() == nil {
		taken, err := l.taken(conn, a, false, time.Hour)
		if err != nil {
			return err
		}
		if !taken {
			continue
		}
		if time.Since(last) < defendInterval {
			l.tell(ctx, news{only: true, say: []string{"another machine uses " + a.String() + "; another address is taken"}})
			return nil
		}
		last = time.Now()
		if err := l.send(conn, a, a); err != nil {
			return err
		}
	}
	return nil
}

// taken hears for so long whether another machine has the address, or, while probing,
// probes it too.
func (l *local) taken(conn net.PacketConn, a netip.Addr, probing bool, wait time.Duration) (bool, error) {
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return false, err
	}
	var b [128]byte
	for {
		n, _, err := conn.ReadFrom(b[:])
		if os.IsTimeout(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		p, ok := parseARP(b[:n])
		if !ok || net.HardwareAddr(p.senderHW[:]).String() == l.ifi.HardwareAddr.String() {
			continue
		}
		if p.sender == a || probing && p.sender.IsUnspecified() && p.target == a && p.op == arpRequest {
			return true, nil
		}
	}
}

func (l *local) send(conn net.PacketConn, sender, target netip.Addr) error {
	p := arp{op: arpRequest, sender: sender, target: target}
	copy(p.senderHW[:], l.ifi.HardwareAddr)
	_, err := conn.WriteTo(p.bytes(), &packet.Addr{HardwareAddr: net.HardwareAddr{255, 255, 255, 255, 255, 255}})
	return err
}
