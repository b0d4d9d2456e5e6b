package config

import (
	"cmp"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// parseIP reads the value of ip= as the kernel does (Documentation/admin-guide/nfs/
// nfsroot.rst, net/ipv4/ipconfig.c), and beyond it: a netmask may be a prefix length,
// IPv6 addresses and masks stand in brackets. A fault without what: there is none.
func parseIP(value string) (ipConfig, fault) {
	switch {
	case isAuto(value):
		return ipConfig{dhcp: true, autoconf: value}, fault{}
	case value == "" || value == "off" || value == "none":
		return ipConfig{}, fault{}
	}
	fields, ok := splitIP(value)
	if !ok {
		return ipConfig{}, fault{what: lex.Quote(value) + " has a bracket that is not closed", want: wantIP}
	}
	r := ipReader{fields: fields}
	ip := r.read()
	if r.fault.what == "" {
		return ip, fault{}
	}
	if form, want := likeIP(fields, r.at); form != "" {
		r.fault.what, r.fault.want = lex.Quote(value)+" is "+form, want
	}
	return ipConfig{}, r.fault
}

// splitIP cuts the fields at their colons; those in brackets do not count. There are at
// least ten; the empty ones behind the tenth, which some write, are left out.
func splitIP(s string) (fields []string, ok bool) {
	for more := true; more; {
		end := strings.IndexByte(s, ':')
		if s != "" && s[0] == '[' {
			closing := strings.IndexByte(s, ']')
			if closing < 0 || closing+1 < len(s) && s[closing+1] != ':' {
				return nil, false
			}
			if end = closing + 1; end == len(s) {
				end = -1
			}
		}
		field := s
		if more = end >= 0; more {
			field, s = s[:end], s[end+1:]
		}
		fields = append(fields, field)
	}
	for len(fields) < 10 {
		fields = append(fields, "")
	}
	for len(fields) > 10 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	return fields, true
}

// ipReader reads the fields of one ip= up to the first that is none.
type ipReader struct {
	fields []string
	fault  fault
	at     int // the field that it is about
}

func (r *ipReader) read() (ip ipConfig) {
	ip.client = r.client()
	r.addr(1) // the boot server, for a root over NFS, is the kernel's own
	ip.gateway = r.addr(2)
	if ip.gateway.IsValid() && ip.client.IsValid() && ip.gateway.Is4() != ip.client.Addr().Is4() {
		r.bad(2, "gateway for "+ip.client.String(), "one of the same family")
	}
	ip.hostname = r.fields[4]
	if ip.hostname != "" && (!isHostname(ip.hostname) || strings.Trim(ip.hostname, "0123456789.") == "") {
		r.bad(4, "host name", wantHostname)
	}
	ip.device = r.fields[5]
	if ip.device != "" && !isInterface(ip.device) {
		r.bad(5, "name of an interface", "such as eth0")
	}
	switch auto := r.fields[6]; {
	case auto == "off" || auto == "none":
	case auto == "" || isAuto(auto):
		// Empty means any: the kernel then asks for what it was not told.
		ip.dhcp = !ip.client.IsValid()
		ip.autoconf = auto
	default:
		r.bad(6, "way of autoconfiguration", "off, none, on, any, dhcp, bootp, rarp or both")
	}
	ip.dns[0] = r.addr(7)
	ip.dns[1] = r.addr(8)
	ip.ntp = r.addr(9).IsValid()
	if len(r.fields) > 10 {
		r.wrong(10, fault{what: strconv.Itoa(len(r.fields)) + " fields", want: "10 at most: " + wantIP})
	}
	return ip
}

func (r *ipReader) bad(i int, noun, want string) {
	r.wrong(i, fault{what: lex.Quote(r.fields[i]) + " in field " + strconv.Itoa(i+1) + " is no " + noun, want: want})
}

// wrong keeps the first fault.
func (r *ipReader) wrong(i int, f fault) {
	if r.fault.what == "" {
		r.fault, r.at = f, i
	}
}

// client is the client's address with the length of its netmask; not valid: there is none.
func (r *ipReader) client() netip.Prefix {
	a := r.addr(0)
	if !a.IsValid() {
		return netip.Prefix{}
	}
	length := maskBits(r.fields[3], a)
	if length < 0 {
		want := "such as 255.255.255.0 or 24"
		if a.Is6() {
			want = "such as 64 or [ffff:ffff:ffff:ffff::]"
		}
		r.bad(3, "netmask for "+a.String(), want)
		return netip.Prefix{}
	}
	p := netip.PrefixFrom(a, length)
	if what := hostless(p); what != "" {
		r.wrong(0, fault{what: lex.Quote(p.String()) + what, want: wantIP})
	}
	return p
}

// addr reads one field; the zero value: it is empty, or the kernel's word for none
// (0.0.0.0), or wrong.
func (r *ipReader) addr(i int) netip.Addr {
	s := r.fields[i]
	if s == "" || s == "0.0.0.0" || s == "[::]" {
		return netip.Addr{}
	}
	a := ipAddr(s)
	if !a.IsValid() {
		r.bad(i, "address of a host", wantIP)
	}
	return a
}

// likeIP says which form of others a word has that is none of the kernel's, from its
// fields and the first of them that is wrong, and what to write in its place.
func likeIP(fields []string, at int) (form, want string) {
	device := fields[0]
	if !isInterface(device) || !lex.IsAlnum(device[0]) || device[0] <= '9' {
		device = ""
	}
	second := fields[1]
	switch {
	case insteadOfAuto(fields[0]) != "" && second == "":
		return "dracut's form", insteadOfAuto(fields[0])
	case device != "" && isAuto(second):
		return "dracut's IFACE:" + second, "ip=:::::" + device + ":dhcp"
	case device != "" && (second == "off" || second == "none"):
		return "dracut's IFACE:" + second, "no ip= for " + device
	case device != "" && insteadOfAuto(second) != "":
		return "dracut's form", insteadOfAuto(second)
	case insteadOfAuto(fields[6]) != "":
		return "dracut's form", insteadOfAuto(fields[6])
	}
	if mac := macIn(fields); mac != "" {
		return "cut at the colons of a MAC address, as dracut has one at the end",
			"ip=" + strings.Join(fields[:7], ":") + " and, for the MAC, beaminit.network." + cmp.Or(fields[5], "eth0") + ".mac=" + mac
	}
	if at == 7 && lex.IsDigits(fields[7]) {
		return "dracut's form, with an MTU behind the autoconfiguration",
			"ip=" + strings.Join(fields[:7], ":") + " and beaminit.network." + cmp.Or(fields[5], "eth0") + ".mtu=" + fields[7]
	}
	if a := ipv6In(fields[at:]); a != "" && (at < 3 || at > 6) { // where an address belongs
		return "cut at the colons of an IPv6 address", "brackets around it: [" + a + "]"
	}
	if p, err := netip.ParsePrefix(fields[0]); err == nil && at == 0 {
		return "an address with a prefix length", "the length in field 4: ip=" + p.Addr().String() + ":::" + strconv.Itoa(p.Bits())
	}
	return "", ""
}

// insteadOfAuto is what to write in the place of a word of dracut.cmdline(7) that the kernel does
// not have; empty: it is none.
func insteadOfAuto(s string) string {
	switch s {
	case "dhcp6", "auto6", "either6", "link6":
		return "nothing: IPv6 routers are heeded without a word, and there is no DHCPv6"
	case "single-dhcp":
		return "ip=dhcp"
	case "link-local":
		return `network.IFACE.address = ["link-local"]`
	case "ibft":
		return "the address itself: what the firmware says of iSCSI is not read"
	}
	return ""
}

// macIn finds six fields in a row that are the bytes of a MAC; empty: there are none.
func macIn(fields []string) string {
	for i := 0; i+6 <= len(fields); i++ {
		s := strings.Join(fields[i:i+6], ":")
		if a, err := net.ParseMAC(s); err == nil && len(a) == 6 {
			return s
		}
	}
	return ""
}

// ipv6In is the IPv6 address that fields begin with, where it was cut at its colons.
func ipv6In(fields []string) string {
	for end := min(8, len(fields)); end >= 3; end-- {
		s := strings.Join(fields[:end], ":")
		if a, err := netip.ParseAddr(s); err == nil && !a.IsUnspecified() {
			return a.String()
		}
	}
	return ""
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
	if lex.IsDigits(s) {
		if n, err := strconv.Atoi(s); err == nil && n > 0 && n <= a.BitLen() {
			return n
		}
		return -1
	}
	if inner := strings.TrimPrefix(s, "["); inner != s {
		s = strings.TrimSuffix(inner, "]")
	}
	mask, err := netip.ParseAddr(s)
	if err != nil || mask.Is4() != a.Is4() {
		return -1
	}
	ones, bits := net.IPMask(mask.AsSlice()).Size()
	if ones == 0 || bits == 0 {
		return -1
	}
	return ones
}
