package config

import (
	"net/netip"
	"slices"

	"github.com/beaminit/beaminit/config/lex"
)

func (k *key) storeAddrs(p *[]netip.Addr, v any, from Source) (bool, []fault) {
	return storeGood(p, v, from, k.addr)
}

// storeAddresses takes addresses with prefix lengths, and the word link-local among them.
func (k *key) storeAddresses(p addresses, v any, from Source) (bool, []fault) {
	linkLocal := false
	if list, ok := v.([]any); ok {
		v = slices.DeleteFunc(slices.Clone(list), func(item any) bool { return item == any("link-local") })
		linkLocal = len(v.([]any)) < len(list)
	}
	ok, faults := storeGood(p.list, v, from, k.prefix)
	if linkLocal && !ok {
		*p.list = nil
	}
	if ok || linkLocal {
		*p.linkLocal = linkLocal
	}
	return ok || linkLocal, faults
}

func (k *key) storeAddr(p *netip.Addr, v any, from Source) (bool, []fault) {
	s, ok := v.(string)
	if !ok {
		return false, mistyped(v, from, "a string")
	}
	a, faults := k.addr(s)
	if a.IsValid() {
		*p = a
	}
	return a.IsValid(), faults
}

// storePrefix takes the addresses behind a route; bits of a host in them are a fault, for
// the kernel refuses them.
func (k *key) storePrefix(p *netip.Prefix, v any, from Source) (bool, []fault) {
	s, ok := v.(string)
	if !ok {
		return false, mistyped(v, from, "a string")
	}
	prefix, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return false, []fault{{what: lex.Quote(s) + " is no prefix"}}
	case prefix != prefix.Masked():
		return false, []fault{{what: lex.Quote(s) + " is the address of a host, not of a network", want: lex.Quote(prefix.Masked().String())}}
	}
	*p = prefix
	return true, nil
}

// storeGood keeps what read finds valid of a list; the rest are faults. A list of
// which nothing is left does not count.
func storeGood[T interface{ IsValid() bool }](p *[]T, v any, from Source, read func(string) (T, []fault)) (bool, []fault) {
	list, ok := v.([]any)
	if !ok {
		return false, mistyped(v, from, "a list of strings")
	}
	var faults []fault
	good := make([]T, 0, len(list))
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			faults = append(faults, mistyped(item, from, "a string in a list of strings")...)
			continue
		}
		one, f := read(s)
		if one.IsValid() {
			good = append(good, one)
		}
		faults = append(faults, f...)
	}
	if faults != nil && len(good) == 0 {
		return false, faults
	}
	*p = good
	return true, faults
}

// addr reads the address of a host. One with a prefix length is a fault and still counts.
func (k *key) addr(s string) (netip.Addr, []fault) {
	a, err := netip.ParseAddr(s)
	if err == nil && !unusable(a) {
		return a, nil
	}
	if p, err := netip.ParsePrefix(s); err == nil && !unusable(p.Addr()) {
		return p.Addr(), []fault{{what: lex.Quote(s) + " has a prefix length", want: "the address alone, " + lex.Quote(p.Addr().String())}}
	}
	return netip.Addr{}, []fault{{what: lex.Quote(s) + " is no " + k.noun}}
}

// prefix reads an address of a host with its prefix length. One without is a fault and
// still counts, with the length that the kernel would guess: better a node that can be
// reached by its neighbours than none.
func (k *key) prefix(s string) (netip.Prefix, []fault) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if what := hostless(p); what != "" {
			return netip.Prefix{}, []fault{{what: lex.Quote(s) + what}}
		}
		return p, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || unusable(a) {
		return netip.Prefix{}, []fault{{what: lex.Quote(s) + " is no address with a prefix length"}}
	}
	p := netip.PrefixFrom(a, guessBits(a))
	return p, []fault{{what: lex.Quote(s) + " has no prefix length", want: "one, such as " + lex.Quote(p.String())}}
}

// hostless says why no host can have this address; empty: one can.
func hostless(p netip.Prefix) string {
	a, bits := p.Addr(), p.Bits()
	switch {
	case unusable(a):
		return " is no address of a host"
	case bits == 0:
		return " has a prefix length of 0"
	case !a.Is4() || bits > 30: // RFC 3021: both addresses of a /31 are hosts'
		return ""
	}
	b := a.As4()
	host := (uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])) << bits
	switch host {
	case 0:
		return " is the address of the network, not of a host"
	case ^uint32(0) << bits:
		return " is the broadcast address of the network, not of a host"
	}
	return ""
}

// guessBits is the prefix length for an address that came without: that of its class,
// as the kernel's ic_defaults has it (net/ipv4/ipconfig.c); /64 for IPv6.
func guessBits(a netip.Addr) int {
	if !a.Is4() {
		return 64
	}
	switch first := a.As4()[0]; {
	case first < 128:
		return 8
	case first < 192:
		return 16
	case first < 224:
		return 24
	}
	return 32
}

// unusable says that no host can have an address for its own.
func unusable(a netip.Addr) bool {
	return !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" || a.Is4In6() ||
		a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
