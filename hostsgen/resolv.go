package hostsgen

import (
	"net/netip"
	"slices"
	"strings"
)

// resolvHead begins a resolv.conf that beaminit wrote.
const resolvHead = "# written by beaminit from [dns] and what the network says\n"

// The C library uses three name servers and search lists of 256 characters
// (resolv.conf(5), MAXNS); what is more is of no use to it, but ERTS uses all of them.
const (
	maxServers = 8
	maxSearch  = 16
)

// DNS is what one source says of name servers: [dns], a lease, router advertisements.
type DNS struct {
	Servers []netip.Addr // may have zones: resolv.conf(5) has "fe80::1%eth0"
	Search  []string
}

// Resolv writes resolv.conf(5) from several sources, the strongest first: their name
// servers one after the other, and the search list of all, each name once. nil: no
// server is known. A search list without a server would make the C library ask
// 127.0.0.1, so it gives no file.
func Resolv(sources ...DNS) []byte {
	var all DNS
	for _, s := range sources {
		for _, a := range s.Servers {
			if a = a.Unmap(); a.IsValid() && !a.IsUnspecified() && !slices.Contains(all.Servers, a) {
				all.Servers = append(all.Servers, a)
			}
		}
		for _, name := range s.Search {
			if !slices.Contains(all.Search, name) {
				all.Search = append(all.Search, name)
			}
		}
	}
	if len(all.Servers) == 0 {
		return nil
	}
	all.Servers = all.Servers[:min(maxServers, len(all.Servers))]
	all.Search = all.Search[:min(maxSearch, len(all.Search))]
	b := append(make([]byte, 0, 256), resolvHead...)
	for _, a := range all.Servers {
		b = append(b, "nameserver "...)
		b = append(a.AppendTo(b), '\n')
	}
	if len(all.Search) > 0 {
		b = append(b, "search "+strings.Join(all.Search, " ")+"\n"...)
	}
	return b
}

// ParseResolv reads the name servers and the search list of a resolv.conf(5). Of one
// that Resolv wrote it reads nothing. What is no address or no name is passed over,
// as by the C library.
func ParseResolv(text []byte) (d DNS) {
	if strings.HasPrefix(string(text), resolvHead) {
		return d
	}
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			if a, err := netip.ParseAddr(words[1]); err == nil && len(d.Servers) < maxServers {
				d.Servers = append(d.Servers, a)
			}
		case "search", "domain": // the last of them counts
			d.Search = nil
			for _, name := range words[1:min(len(words), maxSearch+1)] {
				if fit(name) {
					d.Search = append(d.Search, name)
				}
			}
		}
	}
	return d
}
