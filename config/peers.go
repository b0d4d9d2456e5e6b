package config

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxPeers is how many nodes a cluster has at most.
const maxPeers = 256

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
		l.problem(from, path, 0, fault{what: what, want: want, used: "the peers without it"})
		return peers
	}
	if !isHostname(name) {
		return drop(quote(name)+" is no host name", wantPeerName)
	}
	a, err := netip.ParseAddr(address)
	if p, perr := netip.ParsePrefix(address); err != nil && perr == nil {
		a, err = p.Addr(), nil
		l.problem(from, path, 0, fault{what: quote(address) + " has a prefix length", want: "the address alone", used: quote(a.String())})
	}
	if err != nil || unusable(a) {
		return drop(quote(address)+" is no address of a host", `an address such as "192.168.7.6"`)
	}
	name = strings.ToLower(name)
	for i := range peers {
		switch {
		case peers[i].answers(name):
			return drop(quote(name)+" is there twice", "each name once")
		case peers[i].Address == a:
			return drop(a.String()+" is the address of "+peers[i].Name+" too", "each address once")
		}
	}
	if len(peers) == maxPeers {
		return drop("there are more than 256 peers", "256 at most")
	}
	p := Peer{Name: name, Address: a}
	for _, alias := range aliases {
		what := l.aliasFault(peers, &p, alias)
		if what != "" {
			l.problem(from, path, 0, fault{what: "alias " + quote(alias) + what, want: wantPeerName, used: "the peer without it"})
			continue
		}
		p.Aliases = append(p.Aliases, strings.ToLower(alias))
	}
	return append(peers, p)
}

// aliasFault says what is wrong with one more alias of a peer; empty: nothing.
func (l *loader) aliasFault(peers []Peer, p *Peer, alias string) string {
	if !isHostname(alias) {
		return " is no host name"
	}
	alias = strings.ToLower(alias)
	for i := range peers {
		if peers[i].answers(alias) {
			return " is a name of " + peers[i].Name + " too"
		}
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
		f.used = "the peers without it"
		l.problem(TOML, path, 0, f)
	}
	if len(l.c.Peers) > before {
		l.mark("peers", "", TOML)
	}
}

func (l *loader) peerTable(path []string, name string, t map[string]any) {
	address, ok := t["address"].(string)
	if v, there := t["address"]; !ok {
		f := fault{what: "no address"}
		if there {
			f = mistyped(v, TOML, "a string")[0]
		}
		f.want, f.used = `address = "192.168.7.6"`, "the peers without it"
		l.problem(TOML, append(path, "address"), 0, f)
		return
	}
	aliases, port := l.peerAliases(path, t), l.peerPort(path, t)
	l.unknownIn(path, 0, t, peerKeys[:]...)
	before := len(l.c.Peers)
	l.c.Peers = l.addPeer(l.c.Peers, TOML, path, name, address, aliases)
	if len(l.c.Peers) > before {
		l.c.Peers[before].Port = port
	}
}

// peerPort is 0 where the peer has none of its own.
func (l *loader) peerPort(path []string, t map[string]any) int {
	v, there := t["port"]
	if !there {
		return 0
	}
	i, ok := v.(int64)
	switch {
	case !ok:
		f := mistyped(v, TOML, "an integer")[0]
		f.want, f.used = "1 to 65535", "distribution.port"
		l.problem(TOML, append(path, "port"), 0, f)
		return 0
	case i < 1 || i > 65535:
		l.problem(TOML, append(path, "port"), 0, fault{what: strconv.FormatInt(i, 10) + " is no TCP port", want: "1 to 65535", used: "distribution.port"})
		return 0
	}
	return int(i)
}

func (l *loader) peerAliases(path []string, t map[string]any) []string {
	v, there := t["aliases"]
	if !there {
		return nil
	}
	items, ok := v.([]any)
	if !ok {
		f := mistyped(v, TOML, "a list of strings")[0]
		f.want, f.used = `aliases = ["ten"]`, "no aliases"
		l.problem(TOML, append(path, "aliases"), 0, f)
		return nil
	}
	aliases := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			f := mistyped(item, TOML, "a string in a list of strings")[0]
			f.want, f.used = `aliases = ["ten"]`, "the others"
			l.problem(TOML, append(path, "aliases"), 0, f)
			continue
		}
		aliases = append(aliases, s)
	}
	return aliases
}

// peersParam takes over beaminit.peers=NAME:ADDRESS,…, which replaces the table of the
// TOML as a whole, unless nothing in it can be used.
func (l *loader) peersParam(p param) {
	path := []string{"peers"}
	if p.bare {
		l.problem(Cmdline, path, 0, fault{what: "no value", want: wantPeers, used: literal(&l.c.Peers)})
		return
	}
	var peers []Peer
	for rest, more := p.value, p.value != ""; more; {
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
			l.problem(Cmdline, path, 0, fault{what: quote(item) + " is no name and address", want: wantPeers, used: "the peers without it"})
			continue
		}
		peers = l.addPeer(peers, Cmdline, path, name, inner, nil)
	}
	if len(peers) == 0 && p.value != "" {
		return // each entry has its problem; the TOML's peers are better than none
	}
	l.c.Peers = peers
	l.mark("peers", "", Cmdline)
}
