package config

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/config/lex"
)

// maxPeers is how many nodes a cluster has at most.
const maxPeers = 1000

const (
	wantPeerName = `a host name, such as "eclero6"`
	wantPeer     = `"192.168.7.6" or { address = "192.168.7.6", aliases = ["other"] }`
	wantPeers    = "eclero6:192.168.7.6,eclero8:[fd00::8]"
)

// addPeer adds one node of the cluster. Names are in lower case, as every host name
// here is: a node's own name is made of its host name, and the two have to be equal.
// A peer with a fault in name or address is left out, the others stay.
func (l *loader) addPeer(peers []Peer, from Source, path []string, name, address string, aliases []string) []Peer {
	drop := func(what, want string) []Peer {
		l.problem(from, path, fault{what: what, want: want, used: "the other peers"})
		return peers
	}
	if !isHostname(name) {
		return drop(lex.Quote(name)+" is no host name", wantPeerName)
	}
	a, err := netip.ParseAddr(address)
	if p, perr := netip.ParsePrefix(address); err != nil && perr == nil {
		a, err = p.Addr(), nil
		l.problem(from, path, fault{what: lex.Quote(address) + " has a prefix length", want: "the address alone", used: lex.Quote(a.String())})
	}
	if err != nil || unusable(a) {
		return drop(lex.Quote(address)+" is no address of a host", `an address such as "192.168.7.6"`)
	}
	if isZoned(a) {
		return drop(a.String()+" means nothing without its link, which /etc/hosts cannot say",
			"an IPv4 address, or one of IPv6 that is good beyond a link")
	}
	name = strings.ToLower(name)
	x := l.indexOf(peers)
	if _, twice := x.answers[name]; twice {
		return drop(lex.Quote(name)+" is there twice", "each name once")
	}
	if other, taken := x.addrs[a]; taken {
		return drop(a.String()+" is the address of "+other+" too", "each address once")
	}
	if len(peers) == maxPeers {
		return drop("there are more than 1000 peers", "1000 at most")
	}
	p := Peer{Name: name, Address: a}
	for _, alias := range aliases {
		what := aliasFault(x, &p, alias)
		if what != "" {
			l.problem(from, path, fault{what: "alias " + lex.Quote(alias) + what, want: wantPeerName, used: "the peer without it"})
			continue
		}
		p.Aliases = append(p.Aliases, strings.ToLower(alias))
	}
	peers = append(peers, p)
	x.add(peers)
	return peers
}

// peerIndex finds what is taken among so many peers.
type peerIndex struct {
	of      *Peer // the first of them
	n       int
	names   map[string]bool       // of the peers
	answers map[string]bool       // and what else they answer to
	addrs   map[netip.Addr]string // whose address it is
}

// indexOf is the index of those peers: made once for a table, which grows.
func (l *loader) indexOf(peers []Peer) *peerIndex {
	x := &l.peers
	if x.n != len(peers) || x.n == 0 || x.of != &peers[0] {
		*x = peerIndex{names: map[string]bool{}, answers: map[string]bool{}, addrs: map[netip.Addr]string{}}
		x.add(peers)
	}
	return x
}

// add takes in what the index has not yet of the peers.
func (x *peerIndex) add(peers []Peer) {
	for i := x.n; i < len(peers); i++ {
		p := &peers[i]
		x.names[p.Name], x.answers[p.Name], x.addrs[p.Address] = true, true, p.Name
		for _, alias := range p.Aliases {
			x.answers[alias] = true
		}
	}
	if x.n = len(peers); x.n > 0 {
		x.of = &peers[0]
	}
}

// aliasFault says what is wrong with one more alias of a peer; empty: nothing.
func aliasFault(x *peerIndex, p *Peer, alias string) string {
	if !isHostname(alias) {
		return " is no host name"
	}
	alias = strings.ToLower(alias)
	if x.names[alias] { // an alias may be that of several: they share it
		return " is the name of another peer"
	}
	if p.answers(alias) {
		return " is there twice"
	}
	return ""
}

// answers says whether a name, in lower case, is the peer's or an alias of it.
func (p *Peer) answers(name string) bool {
	if p.Name == name {
		return true
	}
	for _, a := range p.Aliases {
		if a == name {
			return true
		}
	}
	return false
}

// peerValue takes over one entry of [peers].
func (l *loader) peerValue(name string, v any) {
	path := []string{"peers", name}
	before := len(l.c.Peers)
	switch v := v.(type) {
	case string:
		l.c.Peers = l.addPeer(l.c.Peers, TOML, path, name, v, nil)
	case map[string]any:
		l.peerTable(path, name, v)
	default:
		f := mistyped(v, TOML, "a string or a table")[0]
		f.want = wantPeer
		f.used = "the other peers"
		l.problem(TOML, path, f)
	}
	if len(l.c.Peers) > before {
		l.mark("peers", "", TOML)
	}
}

// peerTable takes over a peer with more than an address. Without that there is none;
// anything else that is wrong costs only itself.
func (l *loader) peerTable(path []string, name string, t map[string]any) {
	var p Peer
	faults, _ := l.entry("peers", place{peer: &p}, t)
	for _, f := range faults {
		switch {
		case f.ignored:
		case f.key == "address" && !p.Address.IsValid():
			f.used = "the other peers"
		case f.key == "port":
			f.used = "distribution.port"
		default:
			f.used = literal(find("peers", f.key, false).field(place{peer: &p}))
		}
		l.problem(TOML, append(path[:2:2], f.key), f)
	}
	before := len(l.c.Peers)
	if p.Address.IsValid() {
		l.c.Peers = l.addPeer(l.c.Peers, TOML, path, name, p.Address.String(), p.Aliases)
	}
	if len(l.c.Peers) > before {
		l.c.Peers[before].Port, l.c.Peers[before].Node = p.Port, p.Node
	}
}

// peerParam takes over beaminit.peers.NAME=ADDRESS, which adds a peer or gives the one of
// that name another address; the rest of what is said about it stays.
func (l *loader) peerParam(p cmdline.Param, name string) {
	path := []string{"peers", name}
	if p.Bare || p.Value == "" {
		l.problem(Cmdline, path, fault{what: "no value", want: find("peers", "address", false).want, used: "the other peers"})
		return
	}
	address := p.Value
	if strings.HasPrefix(address, "[") {
		address = strings.TrimSuffix(address[1:], "]")
	}
	at := slices.IndexFunc(l.c.Peers, func(have Peer) bool { return strings.EqualFold(have.Name, name) })
	if at < 0 {
		l.c.Peers = l.addPeer(l.c.Peers, Cmdline, path, name, address, nil)
	} else {
		have := l.c.Peers[at]
		others := slices.Delete(slices.Clone(l.c.Peers), at, at+1)
		changed := l.addPeer(others, Cmdline, path, name, address, nil)
		if len(changed) == len(others) {
			return // it has a problem, and the peer stays as it was
		}
		have.Address = changed[len(others)].Address
		l.c.Peers[at] = have
	}
	l.mark("peers."+strings.ToLower(name), "", Cmdline)
}

// peersParam takes over beaminit.peers=NAME:ADDRESS,…, which replaces the table of the
// TOML as a whole, unless nothing in it can be used.
func (l *loader) peersParam(p cmdline.Param) {
	path := []string{"peers"}
	if p.Bare {
		l.problem(Cmdline, path, fault{what: "no value", want: wantPeers, used: literal(&l.c.Peers)})
		return
	}
	var peers []Peer
	for rest, more := p.Value, p.Value != ""; more; {
		var item string
		item, rest, more = strings.Cut(rest, ",")
		name, address, found := strings.Cut(item, ":")
		inner := strings.TrimPrefix(address, "[")
		bracket := inner != address && strings.HasSuffix(inner, "]")
		if bracket {
			inner = inner[:len(inner)-1]
		}
		// Without brackets there is no telling fd00::6 from a name and a part of it.
		if !found || strings.Contains(inner, ":") != bracket || inner != address && !bracket {
			l.problem(Cmdline, path, fault{what: lex.Quote(item) + " is no name and address", want: wantPeers, used: "the other peers"})
			continue
		}
		peers = l.addPeer(peers, Cmdline, path, name, inner, nil)
	}
	if len(peers) == 0 && p.Value != "" {
		return // each entry has its problem; the TOML's peers are better than none
	}
	l.c.Peers = peers
	l.mark("peers", "", Cmdline)
}
