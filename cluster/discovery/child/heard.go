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

// serial is how far the announcements of a host have come.
type serial struct {
	n     uint64
	boots []string // the last runs of it
}

const maxBoots = 8

// fresh takes over the number of a signed announcement, and says whether it is a new one.
// Within a run it has to be greater than the last; a run that was followed by another does
// not come back; one that was never heard of has a greater number too, as clocks go on, or
// comes when the node has been silent for long enough: its clock was put back.
func (s *serial) fresh(a *announcement, silent bool) bool {
	at := slices.Index(s.boots, a.boot)
	switch {
	case at >= 0 && at < len(s.boots)-1, a.n <= s.n && (at >= 0 || !silent):
		return false
	case at < 0:
		s.boots = append(s.boots, a.boot)
		s.boots = s.boots[max(0, len(s.boots)-maxBoots):]
	}
	s.n = a.n
	return true
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

// hearSigned takes over what is signed with the key, and nothing else.
func (l *listener) hearSigned(m *message, from netip.Addr, at time.Time) (changed bool) {
	for i := range m.records {
		r := &m.records[i]
		instance, ok := strings.CutSuffix(r.name, "."+service)
		if r.kind != dnsmessage.TypeTXT || !ok {
			continue
		}
		a, ok := parseSigned(l.key, r.text)
		if !ok || a.host != instance {
			l.once("mdns: " + instance + " at " + from.String() + " is not signed with the key of this node (" +
				keyID(l.key) + "); it is not used")
			continue
		}
		if a.boot == l.boot {
			continue // this node's own
		}
		h := l.nodes[r.name]
		s := l.signed[a.host]
		if s == nil {
			s = &serial{}
			l.signed[a.host] = s
		}
		again := s.n == a.n && slices.Contains(s.boots, a.boot) // by another protocol, or link
		if !s.fresh(&a, h == nil || h.silent(at)) {
			if !again {
				l.once("mdns: an old announcement of " + a.host + " was sent again by " + from.String() + "; it is not used")
			}
			continue
		}
		if a.bye || len(a.addrs) == 0 {
			delete(l.nodes, r.name)
			changed = changed || h != nil
			continue
		}
		if h == nil {
			if !l.room(at) {
				continue
			}
			h = &heard{instance: r.name}
			l.nodes[r.name] = h
		}
		changed = changed || h.host != a.host || h.node != a.node || h.port != a.port || !slices.Equal(h.addrs, a.addrs)
		h.host, h.node, h.port, h.addrs = a.host, a.node, a.port, a.addrs
		h.until, h.span, h.asked = at.Add(hostTTL), hostTTL, 0
	}
	return changed
}

// room says whether one more node can be known; one that is silent makes room for it.
func (l *listener) room(at time.Time) bool {
	if len(l.nodes) <= l.orders.Limit+1 { // itself, and one for which the limit is said
		return true
	}
	oldest := ""
	for instance, h := range l.nodes {
		if h.silent(at) && (oldest == "" || h.until.Before(l.nodes[oldest].until)) {
			oldest = instance
		}
	}
	if oldest != "" {
		delete(l.nodes, oldest)
	}
	return oldest != ""
}

// expire forgets who has gone, and gives those that are to be asked whether they are still
// there (RFC 6762, 5.2: when 80, 85, 90 and 95 % of the time are over), and when there is
// something to do again.
func (l *listener) expire(at time.Time) (ask []*heard, changed bool, next time.Time) {
	next = at.Add(time.Hour)
	for instance, h := range l.nodes {
		end := h.until
		if h.whole() && !h.bye {
			end = end.Add(forgetAfter)
		}
		if !at.Before(end) {
			delete(l.nodes, instance)
			changed = true
			continue
		}
		due := end
		switch {
		case h.silent(at):
		case !h.whole() || h.bye:
			if due = at.Add(byeWait / 2); h.asked == 0 {
				h.asked++
				ask = append(ask, h)
			}
		case h.asked < 4:
			due = h.until.Add(-h.span * time.Duration(4-h.asked) / 20)
			if !due.After(at) {
				h.asked++
				ask = append(ask, h)
				due = at.Add(h.span / 20)
			}
		}
		if due.Before(next) {
			next = due
		}
	}
	return ask, changed, next
}

// peers are the nodes that are known whole, but for this one. Of several that claim one host,
// the instance of its own name counts, and one that is heard before one that is silent.
func (l *listener) peers(at time.Time) (peers []discovery.Peer) {
	var names []string
	best := map[string]*heard{}
	for _, h := range l.nodes {
		if !h.whole() || slices.ContainsFunc(h.addrs, l.isOwn) {
			continue
		}
		have := best[h.host]
		if have == nil {
			names = append(names, h.host)
		}
		if have == nil || h.before(have, at) {
			best[h.host] = h
		}
	}
	slices.Sort(names)
	for _, name := range names {
		h := best[name]
		peers = append(peers, discovery.Peer{
			Name: name, Address: choose(h.addrs, l.orders.IPv6), Port: h.port, Node: h.node,
			Source: discovery.MDNS,
		})
	}
	return peers
}

func (l *listener) isOwn(a netip.Addr) bool { return slices.Contains(l.own, a) }

// before says whether the claim of h to its host counts, and not that of other.
func (h *heard) before(other *heard, at time.Time) bool {
	if a, b := h.rank(at), other.rank(at); a != b {
		return a > b
	}
	return h.instance < other.instance
}

// rank is how much a claim to a host is worth.
func (h *heard) rank(at time.Time) (n int) {
	if !h.silent(at) {
		n = 2
	}
	if h.instance == h.host+"."+service {
		n++
	}
	return n
}
