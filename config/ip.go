package config

import (
	"net/netip"
	"slices"
)

// ipConfig is one ip= parameter, understood.
type ipConfig struct {
	client   netip.Prefix
	gateway  netip.Addr
	hostname string
	device   string // empty: none was named
	dhcp     bool   // autoconfiguration is wanted, for there is no client address
	dns      [2]netip.Addr
	ntp      bool   // a time server was named
	autoconf string // the word for it, where there is one
}

// wantIP is cut to what people write; all fields are in the kernel's documentation.
const wantIP = "client:server:gateway:netmask:hostname:device:autoconf:dns0:dns1:ntp0, IPv6 in brackets"

// ip takes over one ip= parameter of the kernel command line. An interface that one
// names has its addresses and gateways from ip= alone; a second ip= for it replaces
// the address of the same family and adds one of the other. Where a field is none,
// nothing of the word is used: what others mean by it (dracut, above all) puts other
// things in the same places, and a part of those would be a wrong address or name.
func (l *loader) ip(value string) {
	ip, f := parseIP(value)
	if f.what != "" {
		f.used = "nothing of it"
		l.problem(IPParam, []string{"ip"}, f)
		return
	}
	if ip.hostname != "" {
		_, faults := l.setHostname(IPParam, ip.hostname)
		for _, f := range faults {
			l.hostnameProblem(IPParam, f)
		}
	}
	l.dnsServers(IPParam, ip.dns[:])
	if ip.ntp {
		l.note("ip", "not supported yet; the time server is not asked")
	}
	switch word := ip.autoconf; {
	case word == "" || word == "on" || word == "any":
	case ip.client.IsValid():
		l.note("ip", word+" has no effect beside a client address, as in the kernel")
	case word == "bootp" || word == "rarp" || word == "both":
		l.note("ip", word+": DHCP is asked in its place")
	}
	if ip.client.IsValid() || ip.dhcp {
		l.ipNetwork(&ip)
	}
}

func (l *loader) ipNetwork(ip *ipConfig) {
	first := ip.device == ""
	if first {
		ip.device = "eth0"
	}
	n := l.c.network(ip.device)
	n.First = n.First || first && len(l.c.Network) == 1
	l.mark("network.dhcp", n.Interface, IPParam)
	if n.DHCP = ip.dhcp; ip.dhcp {
		return // the addresses of the TOML stay, beside that of the lease
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

// dnsServers takes name servers of the kernel command line: those of all its parameters
// together replace the TOML's.
func (l *loader) dnsServers(from Source, addrs []netip.Addr) {
	for _, a := range addrs {
		if !a.IsValid() {
			continue
		}
		if l.c.from("dns.servers", "") < IPParam {
			l.c.DNS.Servers = nil
		}
		if !slices.Contains(l.c.DNS.Servers, a) {
			l.c.DNS.Servers = append(l.c.DNS.Servers, a)
		}
		l.mark("dns.servers", "", from)
	}
}
