package hostsgen

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config"
)

// HostsInput is what /etc/hosts is made of.
type HostsInput struct {
	Hostname string
	Domain   string        // of names without a dot; empty: they have none
	Own      netip.Addr    // of this node, for the case that Hostname is none of Peers; not valid: 127.0.0.1
	Peers    []config.Peer // their aliases may be shared
	Image    []byte        // the text of the image's own /etc/hosts, or what an earlier Hosts made of it
	Found    []config.Peer // by discovery: they come last, so that they change no name that somebody else has
}

// The lines between which Hosts puts what it keeps of the image's own file.
const (
	hostsHead  = "# written by beaminit from [peers]\n"
	imageHead  = "# from the image's own /etc/hosts\n"
	foundHead  = "# found by discovery\n"
	imageLimit = 1 << 16 // bytes of the image's file that are looked at
)

// Hosts writes /etc/hosts (hosts(5)): localhost, then a line for every peer, in
// their order, its full name first where there is a domain, then the short one,
// then its aliases; then the lines of the image's own file, without the names that
// stand there already, and those of Found. The full name is first because ERTS takes the first name of
// a line for the name of the host (inet_config.erl, for -name), and short names
// (-sname) are found as well.
//
// Never 127.0.1.1, not even the image's: a node that takes that for its own address
// is not found by the others.
//
// A name that several peers claim goes to the one whose Name it is, else to the
// first; only an alias may stand on several lines. A peer without an address is left
// out, and so is a name that would break the file; config has reported both. notes
// says which names of the image's file were not kept, and why.
func Hosts(in HostsInput) (text []byte, notes []string) {
	h := hosts{
		domain: in.Domain,
		text:   make([]byte, 0, 160+80*len(in.Peers)),
		used:   make(map[string][]netip.Addr, 8+4*len(in.Peers)),
		names:  make(map[string]int, len(in.Peers)),
	}
	for i, p := range in.Peers {
		if name := strings.ToLower(p.Name); h.names[name] == 0 {
			h.names[name] = i + 1
		}
	}
	h.text = append(h.text, hostsHead...)
	h.line(localhost, "localhost")
	h.text = append(h.text, "::1 localhost ip6-localhost ip6-loopback\n"...)
	for _, name := range [...]string{"localhost", "ip6-localhost", "ip6-loopback"} {
		h.use(name, netip.IPv6Loopback())
	}
	for i := range in.Peers {
		h.peer(&in.Peers[i], i)
	}
	if in.Own.IsValid() {
		h.own(in.Hostname, in.Own)
	}
	notes = h.image(in.Image)
	h.own(in.Hostname, localhost)
	h.found(in.Found, len(in.Peers))
	return h.text, notes
}

var localhost = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// hosts is a hosts(5) text on its way.
type hosts struct {
	text   []byte
	used   map[string][]netip.Addr // names that stand in text, in lower case
	names  map[string]int          // Name of a peer in lower case: its index, from 1
	domain string
}

// peer writes the line of a peer.
func (h *hosts) peer(p *config.Peer, i int) {
	if !p.Address.IsValid() {
		return
	}
	full, short := h.both(p.Name)
	if short != p.Name && h.claimed(short, i) {
		short = full
	}
	all := make([]string, 2, 2+len(p.Aliases))
	all[0], all[1] = full, short
	for _, alias := range p.Aliases {
		if !h.claimed(alias, i) {
			all = append(all, alias)
		}
	}
	start := len(h.text)
	h.line(p.Address, all[:2]...)
	h.aliases(start, p.Address, all[2:])
}

// found writes the lines of the peers that were found, which are those from index first on.
func (h *hosts) found(peers []config.Peer, first int) {
	peers = slices.Clone(peers)
	for i, p := range peers {
		if name := strings.ToLower(p.Name); h.names[name] == 0 {
			h.names[name] = first + i + 1
		}
	}
	start := len(h.text)
	h.text = append(h.text, foundHead...)
	empty := len(h.text)
	for i := range peers { // an alias may be shared among them, not with others
		peers[i].Aliases = slices.DeleteFunc(slices.Clone(peers[i].Aliases), h.has)
	}
	for i := range peers {
		if !h.has(peers[i].Name) {
			h.peer(&peers[i], first+i)
		}
	}
	if len(h.text) == empty {
		h.text = h.text[:start]
	}
}

// aliases adds those to the line of the peer that starts there, which other peers may
// have too; where there is no line, it begins one.
func (h *hosts) aliases(start int, a netip.Addr, aliases []string) {
	a = a.Unmap().WithZone("")
	for _, name := range aliases {
		key := strings.ToLower(name)
		if !fit(name) || slices.Contains(h.used[key], a) || slices.Contains(h.used[key], localhost) {
			continue
		}
		if len(h.text) == start {
			h.text = append(a.AppendTo(h.text), '\n')
		}
		h.text = append(append(h.text[:len(h.text)-1], ' '), name...)
		h.text = append(h.text, '\n')
		h.use(name, a)
	}
}

// own writes the line of this node, unless its name stands there already.
func (h *hosts) own(hostname string, a netip.Addr) {
	if hostname == "" || h.has(hostname) {
		return
	}
	full, short := h.both(hostname)
	h.line(a, full, short)
}

// both gives the full and the short name of a host; the two are the same where
// there is no domain.
func (h *hosts) both(name string) (full, short string) {
	if label, _, ok := strings.Cut(name, "."); ok {
		return name, label
	}
	if h.domain == "" {
		return name, name
	}
	return name + "." + h.domain, name
}

// claimed says whether name is the Name of a peer other than that of index not.
func (h *hosts) claimed(name string, not int) bool {
	i := h.names[strings.ToLower(name)]
	return i != 0 && i-1 != not
}

func (h *hosts) has(name string) bool { return len(h.used[strings.ToLower(name)]) > 0 }

func (h *hosts) use(name string, a netip.Addr) {
	key := strings.ToLower(name)
	h.used[key] = append(h.used[key], a)
}

// line writes one line with those of names that are new and fit for it; where
// none is, no line. A further one of 127.0.0.1 has localhost again: what an inetrc reads
// with {file, hosts, FILE}, as Nerves has it, is the last line of an address alone.
func (h *hosts) line(a netip.Addr, names ...string) {
	start, any, again := len(h.text), false, h.has("localhost")
	// hosts(5) has no zones, and ERTS passes over a line with one.
	a = a.Unmap().WithZone("")
	h.text = a.AppendTo(h.text)
	for _, n := range names {
		if !fit(n) || h.has(n) {
			continue
		}
		h.text = append(append(h.text, ' '), n...)
		h.use(n, a)
		any = true
	}
	if !any {
		h.text = h.text[:start]
		return
	}
	if again && a == localhost {
		h.text = append(h.text, " localhost"...)
	}
	h.text = append(h.text, '\n')
}

// image writes the lines of the image's own file that say something new.
func (h *hosts) image(text []byte) (notes []string) {
	if bytes.HasPrefix(text, []byte(hostsHead)) { // ours: what PID 1 made before it was executed again
		_, text, _ = bytes.Cut(text, []byte(imageHead))
		text, _, _ = bytes.Cut(text, []byte(foundHead))
	}
	if len(text) > imageLimit {
		text = text[:bytes.LastIndexByte(text[:imageLimit], '\n')+1]
		notes = append(notes, fmt.Sprintf("the image's /etc/hosts has more than %d bytes; the rest is not used", imageLimit))
	}
	start := len(h.text)
	h.text = append(h.text, imageHead...)
	empty := len(h.text)
	for n, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 0 {
			notes = append(notes, h.imageLine(n+1, f)...)
		}
	}
	if len(h.text) == empty {
		h.text = h.text[:start]
	}
	return notes
}

// debianOwn is where Debian's images put their own host name.
var debianOwn = netip.AddrFrom4([4]byte{127, 0, 1, 1})

// imageLine takes one line of the image's file, in words.
func (h *hosts) imageLine(n int, words []string) (notes []string) {
	a, err := netip.ParseAddr(words[0])
	if err != nil || len(words) == 1 {
		return []string{fmt.Sprintf("the image's /etc/hosts, line %d, %q: want an address and names; it is not used",
			n, strings.Join(words, " "))}
	}
	if a = a.Unmap().WithZone(""); a == debianOwn {
		return nil
	}
	for _, name := range words[1:] {
		if at := h.used[strings.ToLower(name)]; len(at) > 0 && !slices.Contains(at, a) {
			notes = append(notes, fmt.Sprintf("the image's /etc/hosts, line %d, has %s for %s, which is %s here; that counts", n, a, name, at[0]))
		}
	}
	h.line(a, words[1:]...)
	return notes
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

// Lookup is the address of a name in a hosts file (hosts(5)) that is not of this machine
// alone; the zero Addr where there is none.
func Lookup(text []byte, name string) netip.Addr {
	for _, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 || !slices.ContainsFunc(words[1:], func(w string) bool { return strings.EqualFold(w, name) }) {
			continue
		}
		if a, err := netip.ParseAddr(words[0]); err == nil && !a.IsLoopback() {
			return a
		}
	}
	return netip.Addr{}
}
