package config

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// MaxPeersFile is how long a file of peers may be in bytes.
const MaxPeersFile = maxTOML

// ParsePeers reads a file of peers: a table like [peers], with or without its header, or
// hosts(5), in which the first name of a line is the peer's and addresses of the machine
// itself are passed over. What is wrong with an entry costs only that one, and is a problem
// that names path.
func ParsePeers(path string, text []byte) ([]Peer, []Problem) {
	l := &loader{c: &Config{}}
	switch {
	case len(text) > MaxPeersFile:
		l.problem(TOML, nil, fault{what: fmt.Sprint("more than ", MaxPeersFile, " bytes"), want: "a shorter one"})
	case looksLikeTOML(string(text)):
		l.tomlPeers(strings.TrimPrefix(string(text), "\ufeff"))
	default:
		l.hostsPeers(string(text))
	}
	for i := range l.c.Problems {
		l.c.Problems[i].File = path
	}
	return l.c.Peers, l.c.Problems
}

// looksLikeTOML goes by the first line that says anything: in hosts(5) that begins with an
// address.
func looksLikeTOML(text string) bool {
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(strings.TrimPrefix(line, "\ufeff"), "#")
		if line = strings.TrimSpace(line); line != "" {
			return line[0] == '[' || strings.Contains(line, "=")
		}
	}
	return false
}

// tomlPeers takes over the entries of [peers], or of the top where there is none.
func (l *loader) tomlPeers(text string) {
	l.c.text = text
	tables, names, err := decode(text)
	if err != nil {
		l.c.Problems = append(l.c.Problems, Problem{What: err.Error(), Want: wantPeer})
		return
	}
	if inner, ok := tables["peers"].(map[string]any); ok {
		for i, name := range names {
			switch {
			case name[0] != "peers":
				if first(names, i, 1) {
					l.problem(TOML, name[:1], fault{what: "no such table in a file of peers", want: "[peers] alone"})
				}
			case len(name) > 1 && first(names, i, 2):
				l.peerValue(name[1], inner[name[1]])
			}
		}
		return
	}
	for i, name := range names {
		if len(name) == 1 || first(names, i, 1) {
			l.peerValue(name[0], tables[name[0]])
		}
	}
}

// hostsPeers takes over the lines of hosts(5).
func (l *loader) hostsPeers(text string) {
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		a, err := netip.ParseAddr(words[0])
		if err == nil && (a.IsLoopback() || a.IsMulticast() || a.IsUnspecified()) {
			continue // as every such file has them
		}
		before := len(l.c.Problems)
		if err != nil || len(words) == 1 {
			l.problem(TOML, nil, fault{what: lex.Quote(strings.Join(words, " ")) + " is no address and name", want: "192.168.7.6 eclero6"})
		} else {
			l.c.Peers = l.addPeer(l.c.Peers, TOML, nil, words[1], words[0], aliasesOf(words[1:]))
		}
		for i := before; i < len(l.c.Problems); i++ {
			l.c.Problems[i].Line = n + 1
		}
	}
}

// aliasesOf are the names of a line behind the first, without the short form of that.
func aliasesOf(names []string) (aliases []string) {
	label, _, _ := strings.Cut(names[0], ".")
	for _, alias := range names[1:] {
		if !strings.EqualFold(alias, label) && !strings.EqualFold(alias, names[0]) {
			aliases = append(aliases, alias)
		}
	}
	return aliases
}

// HostName says whether s can be the name of a node: labels of letters, digits and inner
// hyphens with dots between, 64 bytes at most (RFC 1123, 2.1).
func HostName(s string) bool { return isHostname(s) && !isLocalhost(s) }

// NodeName says whether s can be the part of a node name before the @.
func NodeName(s string) bool { return isNodeName(s) }

// HostAddress says whether another machine can be found at that address: not at one of a
// link of IPv6, which means nothing without the link, and hosts(5) has no zones.
func HostAddress(a netip.Addr) bool {
	return !unusable(a) && !a.IsLoopback() && !isZoned(a)
}

func isZoned(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }
