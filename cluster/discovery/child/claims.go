package child

import (
	"net/netip"
	"slices"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
)

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
