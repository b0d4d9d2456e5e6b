package config

import (
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// ipConfig is one ip= parameter, understood.
type ipConfig struct {
	client   netip.Prefix
	gateway  netip.Addr
	hostname string
	device   string // empty: none was named
	dhcp     bool   // autoconfiguration is wanted, for there is no client address
	dns      [2]netip.Addr
	server   bool // a boot server was named
	ntp      bool // a time server was named
	autoconf string
}

// wantIP is cut to what people write; all fields are in the kernel's documentation.
const wantIP = "client:server:gateway:netmask:hostname:device:autoconf:dns0:dns1:ntp0, IPv6 in brackets"

// ip takes over one ip= parameter of the kernel command line. An interface that one
// names has its addresses and gateways from ip= alone; a second ip= for it replaces
// the address of the same family and adds one of the other.
func (l *loader) ip(value string) {
	ip, faults := parseIP(value)
	for _, f := range faults {
		l.problem(IPParam, []string{"ip"}, 0, f)
	}
	if ip.hostname != "" {
		if _, faults := l.setHostname(IPParam, ip.hostname); faults != nil {
			l.problem(IPParam, []string{"node", "hostname"}, 0, faults[0])
		}
	}
	l.ipDNS(&ip)
	if ip.server {
		l.note("ip", "the boot server has no effect: there is no root over NFS")
	}
	if ip.ntp {
		l.note("ip", unsupported+"the time server is not asked")
	}
	if ip.autoconf != "" && ip.client.IsValid() {
		l.note("ip", ip.autoconf+" has no effect beside a client address, as in the kernel")
	}
	if ip.client.IsValid() || ip.dhcp {
		l.ipNetwork(&ip)
	}
}

func (l *loader) ipNetwork(ip *ipConfig) {
	if ip.device == "" {
		ip.device = "eth0"
	}
	n := l.c.network(ip.device)
	l.mark("network.dhcp", n.Interface, IPParam)
	if n.DHCP = ip.dhcp; ip.dhcp {
		return // the addresses of the TOML stay: they are all there is until DHCP is supported
	}
	if l.c.from("network.address", n.Interface) != IPParam {
		n.Address, n.Gateway = nil, nil
		l.mark("network.address", n.Interface, IPParam)
		l.mark("network.gateway", n.Interface, IPParam)
	}
	v4 := ip.client.Addr().Is4()
	addrs := make([]netip.Prefix, 0, 2)
	for _, a := range n.Address {
		if a.Addr().Is4() != v4 {
			addrs = append(addrs, a)
		}
	}
	n.Address = append(addrs, ip.client)
	gateways := make([]netip.Addr, 0, 2)
	for _, g := range n.Gateway {
		if g.Is4() != v4 {
			gateways = append(gateways, g)
		}
	}
	if ip.gateway.IsValid() {
		gateways = append(gateways, ip.gateway)
	}
	n.Gateway = gateways
}

// ipDNS takes the name servers of all ip= parameters together; they replace the TOML's.
func (l *loader) ipDNS(ip *ipConfig) {
next:
	for _, a := range ip.dns {
		if !a.IsValid() {
			continue
		}
		if l.c.from("dns.servers", "") != IPParam {
			l.c.DNS.Servers = nil
			l.mark("dns.servers", "", IPParam)
		}
		for _, have := range l.c.DNS.Servers {
			if have == a {
				continue next
			}
		}
		l.c.DNS.Servers = append(l.c.DNS.Servers, a)
	}
}

// parseIP reads the value of ip= as the kernel does (Documentation/admin-guide/nfs/
// nfsroot.rst, net/ipv4/ipconfig.c), and beyond it: a netmask may be a prefix length,
// IPv6 addresses stand in brackets.
func parseIP(value string) (ipConfig, []fault) {
	var ip ipConfig
	if isAuto(value) {
		ip.dhcp = true
		return ip, nil
	}
	if value == "" || value == "off" || value == "none" {
		return ip, nil
	}
	var r ipReader
	n, ok := r.split(value)
	if !ok {
		return ip, []fault{{what: quote(value) + " has a bracket that is not closed", want: wantIP, used: "nothing of it"}}
	}
	if n > len(r.fields) {
		r.faults = append(r.faults, fault{what: strconv.Itoa(n) + " fields", want: "10 at most: " + wantIP, used: "the first 10"})
	}
	client, wellSaid := r.client()
	ip.client = client
	ip.server = r.addr(1, "no boot server").IsValid()
	ip.gateway = r.addr(2, "no gateway")
	if ip.gateway.IsValid() && client.IsValid() && ip.gateway.Is4() != client.Addr().Is4() {
		r.bad(2, "gateway for "+client.String(), "one of the same family", "no gateway")
		ip.gateway = netip.Addr{}
	}
	ip.hostname = r.fields[4]
	ip.device = r.fields[5]
	if ip.device != "" && !isInterface(ip.device) {
		r.bad(5, "name of an interface", "such as eth0", "eth0")
		ip.device = ""
	}
	switch auto := r.fields[6]; {
	case auto == "off" || auto == "none":
	case auto == "" || isAuto(auto):
		// Empty means any: the kernel then asks for what it was not told.
		ip.dhcp = wellSaid && !client.IsValid()
		if auto != "on" && auto != "any" {
			ip.autoconf = auto
		}
	default:
		r.bad(6, "way of autoconfiguration", "off, none, on, any, dhcp, bootp, rarp or both", "off")
	}
	ip.dns[0] = r.addr(7, "no name server of it")
	ip.dns[1] = r.addr(8, "no name server of it")
	ip.ntp = r.addr(9, "no time server").IsValid()
	return ip, r.faults
}

// ipReader reads the fields of one ip= and gathers what is wrong with them.
type ipReader struct {
	fields [10]string
	faults []fault
}

func (r *ipReader) bad(i int, noun, want, used string) {
	r.faults = append(r.faults, fault{what: quote(r.fields[i]) + " in field " + strconv.Itoa(i+1) + " is no " + noun, want: want, used: used})
}

// split cuts the fields at their colons; those in brackets do not count. n is how many
// fields there were.
func (r *ipReader) split(s string) (n int, ok bool) {
	for more := true; more; n++ {
		end := strings.IndexByte(s, ':')
		if s != "" && s[0] == '[' {
			closing := strings.IndexByte(s, ']')
			if closing < 0 || closing+1 < len(s) && s[closing+1] != ':' {
				return n, false
			}
			if end = closing + 1; end == len(s) {
				end = -1
			}
		}
		field := s
		if more = end >= 0; more {
			field, s = s[:end], s[end+1:]
		}
		if n < len(r.fields) {
			r.fields[n] = field
		}
	}
	return n, true
}

// client is the client's address with the length of its netmask. wellSaid is false where
// there should be one and it cannot be used.
func (r *ipReader) client() (p netip.Prefix, wellSaid bool) {
	a := r.addr(0, "no address of it")
	if !a.IsValid() {
		return netip.Prefix{}, len(r.faults) == 0
	}
	length := maskBits(r.fields[3], a)
	if length < 0 {
		length = guessBits(a)
		r.bad(3, "netmask", "such as 255.255.255.0 or 24", strconv.Itoa(length))
	}
	p = netip.PrefixFrom(a, length)
	if what := hostless(p); what != "" {
		r.faults = append(r.faults, fault{what: quote(p.String()) + what, want: wantIP, used: "no address of it"})
		return netip.Prefix{}, false
	}
	return p, true
}

// addr reads one field; the zero value: it is empty, or the kernel's word for none
// (0.0.0.0), or wrong.
func (r *ipReader) addr(i int, used string) netip.Addr {
	s := r.fields[i]
	if s == "" || s == "0.0.0.0" || s == "[::]" {
		return netip.Addr{}
	}
	a := ipAddr(s)
	if !a.IsValid() {
		r.bad(i, "address of a host", wantIP, used)
	}
	return a
}

// isAuto says that a word asks for an address from the network.
func isAuto(s string) bool {
	switch s {
	case "on", "any", "dhcp", "bootp", "rarp", "both":
		return true
	}
	return strings.HasPrefix(s, "dhcp,") // dhcp,client-id-type,client-id-value
}

// ipAddr reads an IPv4 address, or an IPv6 address in brackets; the zero value: it is
// none that a host can have.
func ipAddr(s string) netip.Addr {
	inner := strings.TrimPrefix(s, "[")
	if bracket := inner != s; bracket {
		inner = strings.TrimSuffix(inner, "]")
	}
	a, err := netip.ParseAddr(inner)
	if err != nil || unusable(a) || a.Is4() != (inner == s) {
		return netip.Addr{}
	}
	return a
}

// maskBits is the prefix length that a netmask means for an address; -1: it is none.
func maskBits(s string, a netip.Addr) int {
	if s == "" {
		return guessBits(a)
	}
	if isDigits(s) {
		if n, err := strconv.Atoi(s); err == nil && n > 0 && n <= a.BitLen() {
			return n
		}
		return -1
	}
	mask, err := netip.ParseAddr(s)
	if err != nil || !mask.Is4() || !a.Is4() {
		return -1
	}
	b := mask.As4()
	m := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	ones := bits.LeadingZeros32(^m)
	if m != ^uint32(0)<<(32-ones) || ones == 0 {
		return -1
	}
	return ones
}
