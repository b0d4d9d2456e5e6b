package child

import (
	"encoding/hex"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/config"
	"golang.org/x/sys/unix"
)

// The paces of RFC 6762.
const (
	firstAsk     = time.Second // between the first two questions; then twice as long each time (5.2)
	lastAsk      = time.Hour
	announcedFor = 3           // announcements, each twice as long after the one before (8.3)
	answerPace   = time.Second // between two answers on a link (6)
	linkPace     = time.Minute // between looks at the links of the machine, where nothing moves
	linkRush     = time.Second // and where it does
	packetPace   = time.Millisecond
	maxPacket    = 9000 // (17)
	maxHeard     = 256  // records of one packet
	maxKnown     = 40   // known answers of one question, which fit into a packet
)

// packet is what came from a link.
type packet struct {
	link *link
	from netip.AddrPort
	data []byte
}

// mdns announces this node on all links, and hears who else announces himself.
type mdns struct {
	listener
	links   []*link
	packets chan packet
	n       uint64    // of the last announcement
	askAt   time.Time // the next question
	askGap  time.Duration
	lookAt  time.Time // the next look at the links
	looked  time.Time
	known   time.Time // when the listener has something to do
}

// watchMDNS runs until stop, and says good-bye then.
func watchMDNS(o *discovery.Orders, out chan<- news, stop <-chan os.Signal) {
	var run [8]byte
	unix.Getrandom(run[:], 0) // getrandom(2); crypto/rand brings math/big
	m := mdns{packets: make(chan packet, 16), listener: listener{
		orders: o, key: o.Key, nodes: map[string]*heard{}, signed: map[string]*serial{}, boot: hex.EncodeToString(run[:])}}
	moved := make(chan struct{}, 1)
	go watchLinks(moved)
	for {
		now := time.Now()
		changed := m.work(now)
		if changed || len(m.say) > 0 {
			out <- news{source: discovery.MDNS, peers: m.peers(now), say: m.say}
			m.say = nil
		}
		timer := time.NewTimer(time.Until(m.due()))
		select {
		case p := <-m.packets:
			if m.take(&p) {
				out <- news{source: discovery.MDNS, peers: m.peers(time.Now()), say: m.say}
				m.say = nil
			}
		case <-moved:
			m.lookAt = m.looked.Add(linkRush)
		case <-timer.C:
		case <-stop:
			for _, l := range m.links {
				m.announce(l, nil, netip.AddrPort{}, true)
			}
			os.Exit(0)
		}
		timer.Stop()
	}
}

// due is when there is something to do.
func (m *mdns) due() time.Time {
	next := m.lookAt
	for _, t := range append([]time.Time{m.known}, m.askAt) {
		if len(m.links) > 0 && t.Before(next) {
			next = t
		}
	}
	for _, l := range m.links {
		if !l.answerAt.IsZero() && l.answerAt.Before(next) {
			next = l.answerAt
		}
	}
	return next
}

// work does what is due.
func (m *mdns) work(now time.Time) (changed bool) {
	if !now.Before(m.lookAt) {
		m.looked, m.lookAt = now, now.Add(linkPace)
		if m.relink() {
			m.askAt, m.askGap, changed = now.Add(jitter()), firstAsk, true
		}
	}
	ask, gone, next := m.expire(now)
	m.known = next
	browse := len(m.links) > 0 && !now.Before(m.askAt)
	if browse {
		m.askAt = now.Add(m.askGap + jitter())
		m.askGap = min(2*m.askGap, lastAsk)
	}
	for _, l := range m.links {
		if browse || len(ask) > 0 {
			m.question(l, browse, ask, now)
		}
		if !l.answerAt.IsZero() && !now.Before(l.answerAt) {
			l.answerAt, l.answered = time.Time{}, now
			m.announce(l, nil, netip.AddrPort{}, false)
			if l.first++; l.first < announcedFor {
				l.answerAt = now.Add(time.Second << (l.first - 1))
			}
		}
	}
	return changed || gone
}

// jitter keeps machines that were switched on together from speaking together.
func jitter() time.Duration {
	return 20*time.Millisecond + time.Duration(rand.Int64N(int64(100*time.Millisecond)))
}

// relink opens what is new among the links, or has other addresses, and closes what is not
// there any more.
func (m *mdns) relink() (changed bool) {
	now, err := allLinks()
	if err != nil {
		m.once("mdns: " + err.Error())
		return false
	}
	m.own = nil
	for _, l := range now {
		m.own = append(m.own, l.all...)
	}
	kept := m.links[:0]
	for _, l := range m.links {
		if i := slices.IndexFunc(now, l.same); i >= 0 {
			kept = append(kept, l)
			now = slices.Delete(now, i, i+1)
			continue
		}
		l.close()
		changed = true
	}
	m.links = kept
	for _, l := range now {
		if err := l.open(m.packets); err != nil {
			m.once("mdns: " + l.ifi.Name + ": " + err.Error())
			continue
		}
		l.answerAt = time.Now().Add(jitter())
		m.links = append(m.links, l)
		changed = true
	}
	return changed
}

// take takes over a packet; changed: there is news.
func (m *mdns) take(p *packet) (changed bool) {
	from := p.from.Addr().Unmap().WithZone("")
	if !slices.Contains(m.links, p.link) || slices.Contains(m.own, from) || !p.link.near(from) {
		return false
	}
	msg, err := parseMessage(p.data)
	if err != nil || msg.OpCode != 0 || len(msg.records) > maxHeard {
		return false
	}
	now := time.Now()
	if !msg.Response {
		self := m.self(p.link, false)
		switch {
		case !self.asks(&msg):
		case p.from.Port() != port:
			if now.Sub(p.link.answered) >= answerPace {
				p.link.answered = now
				m.announce(p.link, &msg, p.from, false)
			}
		case p.link.answerAt.IsZero():
			p.link.answerAt = now.Add(jitter())
			if soonest := p.link.answered.Add(answerPace); p.link.answerAt.Before(soonest) {
				p.link.answerAt = soonest
			}
		}
		return false
	}
	if p.from.Port() != port {
		return false // (6)
	}
	changed, ask := m.hear(&msg, from, now)
	if ask {
		m.known = now
	}
	return changed || len(m.say) > 0
}

// allLinks are those that multicast can go over and that have an address.
func allLinks() (links []*link, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, ifi := range all {
		if ifi.Flags&net.FlagUp == 0 || ifi.Flags&net.FlagMulticast == 0 || ifi.Flags&(net.FlagLoopback|net.FlagPointToPoint) != 0 {
			continue
		}
		addrs, err := ifi.Addrs()
		if err != nil {
			continue // it has just gone
		}
		l := &link{ifi: ifi}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			l.all, l.prefixes = append(l.all, p.Addr()), append(l.prefixes, p.Masked())
			if x := p.Addr(); config.HostAddress(x) && !(x.Is6() && x.IsLinkLocalUnicast()) { // hosts(5) has no zones
				l.addrs = append(l.addrs, x)
			}
		}
		if len(l.addrs) > 0 {
			links = append(links, l)
		}
	}
	return links, nil
}
