package child

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

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
