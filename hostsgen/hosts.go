package hostsgen

import (
	"net/netip"
	"strings"

	"github.com/beaminit/beaminit/config"
)

// hosts is a hosts(5) text on its way.
type hosts struct {
	text   []byte
	used   []string // names that stand in text: the first line with a name is the one that counts
	domain string
	peers  []config.Peer
}

// Hosts writes /etc/hosts (hosts(5)): localhost, then a line for every peer, in
// their order, its full name first where there is a domain, then the short one,
// then its aliases. The full name is first because ERTS takes the first name of a
// line for the name of the host (inet_config.erl, for -name), and short names
// (-sname) are found as well.
//
// The domain of a short name is that of hostname, else search[0]. own is an
// address of this node, for the case that hostname is none of the peers; where it
// is not valid, hostname is 127.0.0.1. Never 127.0.1.1: a node that takes that for
// its own address is not found by the others.
//
// A name that several peers claim goes to the one whose Name it is, else to the
// first. A peer without an address is left out, and so is a name that would
// break the file; config has reported both.
func Hosts(hostname string, own netip.Addr, peers []config.Peer, search []string) []byte {
	h := hosts{peers: peers, text: make([]byte, 0, 160+80*len(peers)), used: make([]string, 0, 8+4*len(peers))}
	if _, domain, ok := strings.Cut(hostname, "."); ok {
		h.domain = domain
	} else if len(search) > 0 {
		h.domain = search[0]
	}
	h.text = append(h.text, "# written by beaminit from [peers]\n"...)
	h.line(netip.AddrFrom4([4]byte{127, 0, 0, 1}), "localhost")
	h.text = append(h.text, "::1 localhost ip6-localhost ip6-loopback\n"...)
	h.used = append(h.used, "ip6-localhost", "ip6-loopback")
	for i := range peers {
		h.peer(i)
	}
	if hostname != "" && !h.has(hostname) {
		if !own.IsValid() {
			own = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		full, short := h.names(hostname)
		h.line(own, full, short)
	}
	return h.text
}

// peer writes the line of peers[i].
func (h *hosts) peer(i int) {
	p := &h.peers[i]
	if !p.Address.IsValid() {
		return
	}
	full, short := h.names(p.Name)
	if short != p.Name && h.claimed(short, i) {
		short = full
	}
	if len(p.Aliases) == 0 {
		h.line(p.Address, full, short)
		return
	}
	all := make([]string, 2, 2+len(p.Aliases))
	all[0], all[1] = full, short
	for _, a := range p.Aliases {
		if !h.claimed(a, i) {
			all = append(all, a)
		}
	}
	h.line(p.Address, all...)
}

// names gives the full and the short name of a host; the two are the same where
// there is no domain.
func (h *hosts) names(name string) (full, short string) {
	if label, _, ok := strings.Cut(name, "."); ok {
		return name, label
	}
	if h.domain == "" {
		return name, name
	}
	return name + "." + h.domain, name
}

// claimed says whether name is the Name of a peer other than peers[not].
func (h *hosts) claimed(name string, not int) bool {
	for i := range h.peers {
		if i != not && strings.EqualFold(h.peers[i].Name, name) {
			return true
		}
	}
	return false
}

func (h *hosts) has(name string) bool {
	for _, u := range h.used {
		if strings.EqualFold(u, name) {
			return true
		}
	}
	return false
}

// line writes one line with those of names that are new and fit for it; where
// none is, no line.
func (h *hosts) line(a netip.Addr, names ...string) {
	start, any := len(h.text), false
	// hosts(5) has no zones, and ERTS passes over a line with one.
	h.text = a.Unmap().WithZone("").AppendTo(h.text)
	for _, n := range names {
		if !fit(n) || h.has(n) {
			continue
		}
		h.text = append(append(h.text, ' '), n...)
		h.used = append(h.used, n)
		any = true
	}
	if !any {
		h.text = h.text[:start]
		return
	}
	h.text = append(h.text, '\n')
}

// fit says whether a name keeps a line of hosts(5) in one piece.
func fit(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return name != ""
}
