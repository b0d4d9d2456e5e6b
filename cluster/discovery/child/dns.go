package child

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/config"
	"golang.org/x/net/dns/dnsmessage"
)

// How often the DNS is asked: as the TTL says, within bounds; without an answer, less and
// less often.
const (
	shortestTTL = 5 * time.Second
	longestTTL  = time.Hour
	noneTTL     = 30 * time.Second // of the answer that there is nobody
	firstRetry  = time.Second
	lastRetry   = time.Minute
)

// watchDNS asks for the peers behind a name again and again. A server that does not answer
// takes nobody away; one that answers that there is nobody does.
func watchDNS(o *discovery.Orders, port uint16, out chan<- news) {
	r := resolver{o.Resolv, port}
	name := strings.ToLower(strings.TrimSuffix(o.DNS, "."))
	retry, said := firstRetry, ""
	for {
		l := lookup{resolver: &r, limit: o.Limit, ipv6: o.IPv6, ttl: longestTTL}
		peers, err := l.peers(name)
		wait := max(l.ttl, shortestTTL)
		n := news{source: discovery.DNS, peers: peers, say: l.say}
		switch {
		case errors.Is(err, errNone):
			wait = noneTTL
		case err != nil:
			n.only, wait = true, retry
			retry = min(2*retry, lastRetry)
		}
		if err != nil {
			n.say = []string{name + ": " + err.Error()}
		} else {
			retry = firstRetry
		}
		if text := strings.Join(n.say, "\n"); text == said {
			n.say = nil
		} else {
			said = text
		}
		out <- n
		waitFor(wait, o.Resolv)
	}
}

// waitFor waits so long, or until the name servers are others.
func waitFor(wait time.Duration, conf string) {
	was, _ := stateOf(conf)
	for end := time.Now().Add(wait); ; {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		time.Sleep(min(left, time.Second))
		if now, _ := stateOf(conf); now != was {
			return
		}
	}
}

// lookup is one round of questions.
type lookup struct {
	*resolver
	limit int
	ipv6  bool
	ttl   time.Duration // the shortest of all that was answered
	say   []string
}

// peers are those behind a name: the targets of its SRV records (RFC 2782), or, where it has
// none, the machines at its addresses, under the names that the DNS has for these.
func (l *lookup) peers(name string) ([]discovery.Peer, error) {
	found, more, err := l.ask(name, dnsmessage.TypeSRV)
	switch {
	case err == nil:
		return l.targets(found, more)
	case !errors.Is(err, errNone) || name[0] == '_':
		return nil, err
	}
	addrs, err := l.addresses(name)
	if err != nil {
		return nil, err
	}
	var peers []discovery.Peer
	for _, a := range addrs[:min(len(addrs), l.limit)] {
		host, err := l.host(a)
		if err != nil && !errors.Is(err, errNone) {
			return nil, err
		}
		if host == "" {
			l.say = append(l.say, fmt.Sprintf("%s: the DNS has no name for %s (PTR), which is not used therefore", name, a))
			continue
		}
		peers = append(peers, discovery.Peer{Name: host, Address: a, Source: discovery.DNS})
	}
	return peers, nil
}

// targets are the peers that SRV records name. Their addresses came with them, or are asked for.
func (l *lookup) targets(found, more []record) (peers []discovery.Peer, err error) {
	for _, rec := range found[:min(len(found), l.limit)] {
		l.hold(&rec)
		if !config.HostName(rec.target) {
			if rec.target != "" { // "." says that there is none
				l.say = append(l.say, fmt.Sprintf("%.80q is no name of a host; it is not used", rec.target))
			}
			continue
		}
		var addrs []netip.Addr
		for i := range more {
			if more[i].name == rec.target && more[i].addr.IsValid() {
				l.hold(&more[i])
				addrs = append(addrs, more[i].addr)
			}
		}
		if len(addrs) == 0 {
			addrs, err = l.addresses(rec.target)
			if err != nil && !errors.Is(err, errNone) {
				return nil, err
			}
		}
		if a := choose(addrs, l.ipv6); a.IsValid() {
			peers = append(peers, discovery.Peer{Name: rec.target, Address: a, Port: rec.port, Source: discovery.DNS})
		} else {
			l.say = append(l.say, rec.target+" has no address of a machine; it is not used")
		}
	}
	return peers, nil
}

// hold notes for how long a record may be used.
func (l *lookup) hold(r *record) { l.ttl = min(l.ttl, r.ttl) }

// addresses are those of a host, of the kind that the release speaks, or else the other.
func (l *lookup) addresses(name string) (addrs []netip.Addr, err error) {
	kinds := []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}
	if l.ipv6 {
		slices.Reverse(kinds)
	}
	for _, kind := range kinds {
		var found []record
		if found, _, err = l.ask(name, kind); err != nil {
			if errors.Is(err, errNone) {
				continue
			}
			return nil, err
		}
		for i := range found {
			if l.hold(&found[i]); config.HostAddress(found[i].addr) {
				addrs = append(addrs, found[i].addr)
			}
		}
		if len(addrs) > 0 {
			return addrs, nil
		}
	}
	return nil, errNone
}

// choose is the one address that a peer has: always the same, in whatever order they come.
// One that is good for a link alone (RFC 3927) comes after others.
func choose(addrs []netip.Addr, ipv6 bool) (best netip.Addr) {
	rank := func(a netip.Addr) (n int) {
		if a.Is6() != ipv6 {
			n = 2
		}
		if a.IsLinkLocalUnicast() {
			n++
		}
		return n
	}
	for _, a := range addrs {
		if config.HostAddress(a) && (!best.IsValid() || rank(a) < rank(best) || rank(a) == rank(best) && a.Less(best)) {
			best = a
		}
	}
	return best
}

// host is the name that the DNS has for an address; empty: none.
func (l *lookup) host(a netip.Addr) (string, error) {
	found, _, err := l.ask(reverseName(a), dnsmessage.TypePTR)
	if err != nil {
		return "", err
	}
	best := ""
	for i := range found {
		l.hold(&found[i])
		if t := found[i].target; config.HostName(t) && (best == "" || t < best) {
			best = t
		}
	}
	return best, nil
}

// reverseName is where the DNS has the name for an address (RFC 1035, 3.5; RFC 3596, 2.5).
func reverseName(a netip.Addr) string {
	b := a.AsSlice()
	var name strings.Builder
	for i := len(b) - 1; i >= 0; i-- {
		if a.Is4() {
			fmt.Fprintf(&name, "%d.", b[i])
		} else {
			fmt.Fprintf(&name, "%x.%x.", b[i]&15, b[i]>>4)
		}
	}
	if a.Is4() {
		return name.String() + "in-addr.arpa"
	}
	return name.String() + "ip6.arpa"
}
