package child

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/config"
	"golang.org/x/net/dns/dnsmessage"
)

const (
	forgetAfter = time.Hour        // one that is silent, and said no good-bye, is known for so long: it may be cut off
	byeWait     = 2 * time.Second  // in which one that said good-bye can say that it did not
	fullWait    = 10 * time.Second // in which one that was heard of has to be known whole
)

// heard is one node that announces itself.
type heard struct {
	instance string // its name in DNS-SD
	host     string // its name
	node     string
	port     int
	addrs    []netip.Addr
	until    time.Time // what is known of it holds so long
	span     time.Duration
	bye      bool // and then it is gone; else it is silent
	asked    int  // how often it was asked since it last said something
}

func (h *heard) whole() bool { return h.host != "" && h.port != 0 && len(h.addrs) > 0 }

// silent says that it should have said something.
func (h *heard) silent(at time.Time) bool { return at.After(h.until) }

// listener is all that is known of the nodes of the LAN.
type listener struct {
	orders *discovery.Orders
	key    []byte
	nodes  map[string]*heard  // by instance
	signed map[string]*serial // by host: the last signed announcement
	own    []netip.Addr       // addresses of this node
	boot   string             // of this run
	say    []string
	said   map[string]bool
}

func (l *listener) once(line string) {
	if l.said == nil {
		l.said = map[string]bool{}
	}
	if !l.said[line] && len(l.said) < maxSaid {
		l.said[line] = true
		l.say = append(l.say, line)
	}
}

// hear takes over a response. changed: the list may be another one; ask: somebody is to be
// asked at once.
func (l *listener) hear(m *message, from netip.Addr, at time.Time) (changed, ask bool) {
	if len(l.key) > 0 {
		return l.hearSigned(m, from, at), false
	}
	for i := range m.records {
		r := &m.records[i]
		instance := r.instance()
		if instance == "" {
			continue
		}
		h := l.nodes[instance]
		if h == nil {
			if r.ttl == 0 || !l.room(at) {
				continue
			}
			h = &heard{instance: instance, until: at.Add(fullWait)}
			l.nodes[instance] = h
			ask = true
		}
		changed = l.tell(h, r, m, at) || changed
		ask = ask || h.bye && h.asked == 0
	}
	for _, h := range l.nodes {
		changed = l.address(h, m, at) || changed
	}
	return changed, ask
}

// instance is the name in DNS-SD of the node that the record is of; empty: it is of none.
func (r *record) instance() string {
	name := r.name
	switch r.kind {
	case dnsmessage.TypePTR:
		if r.name == service {
			name = r.target
		}
	case dnsmessage.TypeSRV, dnsmessage.TypeTXT:
	default:
		return ""
	}
	if !strings.HasSuffix(name, "."+service) {
		return ""
	}
	return name
}

// tell takes over one record of a node.
func (l *listener) tell(h *heard, r *record, m *message, at time.Time) (changed bool) {
	if r.ttl == 0 { // RFC 6762, 10.1; but anybody can say so
		if !h.bye && !h.silent(at) {
			h.bye, h.until, h.asked = true, at.Add(byeWait), 0
		}
		return false
	}
	switch r.kind {
	case dnsmessage.TypeSRV:
		host, ok := strings.CutSuffix(r.target, local)
		if !ok || !config.HostName(host) || strings.Contains(host, ".") || r.port == 0 {
			l.once("mdns: " + h.instance + " is at " + r.target + ", which is no host of the LAN; it is not used")
			return false
		}
		if h.whole() && !h.silent(at) && (host != h.host || r.port != h.port) {
			return false // see address
		}
		changed = h.host != host || h.port != r.port
		h.host, h.port = host, r.port
	case dnsmessage.TypeTXT:
		if h.whole() && !h.silent(at) { // see address
			return false
		}
		node := values(r.text)["node"]
		if node != h.node && (node == "" || config.NodeName(node)) {
			h.node, changed = node, true
		}
	}
	return changed
}

// address takes over the addresses of a node. Those it has stay for as long as they are
// announced: another machine that claims its name gets it when it has been silent.
func (l *listener) address(h *heard, m *message, at time.Time) (changed bool) {
	var addrs []netip.Addr
	ttl := hostTTL
	for i := range m.records {
		r := &m.records[i]
		if h.host == "" || r.name != h.host+local || r.ttl <= 0 || len(addrs) == maxAddrs {
			continue
		}
		if r.addr.IsValid() && config.HostAddress(r.addr) {
			addrs = append(addrs, r.addr)
			ttl = min(ttl, r.ttl)
		}
	}
	if len(addrs) == 0 {
		return false
	}
	if h.whole() && !h.silent(at) {
		if has := choose(h.addrs, l.orders.IPv6); !slices.Contains(addrs, has) {
			l.once("mdns: " + h.host + " at " + addrs[0].String() + ": " + h.host + " is at " + has.String() +
				", which came first and counts")
			return false
		}
	}
	changed = !h.whole() || h.silent(at) || !slices.Equal(h.addrs, addrs)
	h.addrs = addrs
	h.until, h.span, h.bye, h.asked = at.Add(ttl), ttl, false, 0
	return changed
}
