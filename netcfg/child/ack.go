package child

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// defaultLease is how long a lease lasts whose server does not say (RFC 2131 wants it
// to; some BOOTP servers do not).
const defaultLease = time.Hour

// most is how many entries of a list are used.
const most = 16

// leaseOf makes a lease of a DHCPACK. What of it is no value of its kind is left out,
// and named in say; without a usable address it is an error.
func leaseOf(ack *dhcpv4.DHCPv4) (l netcfg.Lease, say []string, err error) {
	a, ok := address(ack.YourIPAddr)
	if !ok {
		return l, nil, errors.New("the server's answer has no address")
	}
	bits := a.BitLen()
	if mask := ack.SubnetMask(); len(mask) == net.IPv4len {
		if ones, size := mask.Size(); size == 32 {
			bits = ones
		}
	} else { // that of its class, as the kernel's own client has it
		bits, _ = net.IP(a.AsSlice()).DefaultMask().Size()
	}
	l.Address = netip.PrefixFrom(a, bits)
	if l.Server, ok = address(ack.ServerIdentifier()); !ok {
		return l, nil, errors.New("the server's answer does not say whose it is")
	}
	l.Routers, l.NTP, l.Servers = addresses(ack.Router()), addresses(ack.NTPServers()), addresses(ack.DNS())
	for _, r := range ack.ClasslessStaticRoute() {
		if ones, size := r.Dest.Mask.Size(); size == 32 && len(l.Routes) < most {
			to, _ := netip.AddrFromSlice(r.Dest.IP.To4())
			via, _ := address(r.Router)
			l.Routes = append(l.Routes, netcfg.LeaseRoute{To: netip.PrefixFrom(to, ones).Masked(), Via: via})
		}
	}
	name := func(what, s string) string {
		if s = strings.TrimRight(s, "\x00."); s != "" && !netcfg.DomainName(s) {
			say = append(say, fmt.Sprintf("the server's %s %.80q is none, and not used", what, s))
			return ""
		}
		return strings.ToLower(s)
	}
	l.Hostname, l.Domain = name("host name", ack.HostName()), name("domain", ack.DomainName())
	if labels := ack.DomainSearch(); labels != nil {
		for _, s := range labels.Labels[:min(len(labels.Labels), most)] {
			if s = name("search domain", s); s != "" {
				l.Search = append(l.Search, s)
			}
		}
	}
	if len(l.Search) == 0 && l.Domain != "" {
		l.Search = []string{l.Domain}
	}
	if mtu := ack.GetOneOption(dhcpv4.OptionInterfaceMTU); len(mtu) == 2 {
		if l.MTU = int(mtu[0])<<8 | int(mtu[1]); l.MTU < 576 {
			say, l.MTU = append(say, fmt.Sprintf("the server's MTU of %d is below 576, and not used", l.MTU)), 0
		}
	}
	times(&l, ack)
	return l, say, l.Check()
}

// times takes how long the lease lasts, and when it is to be renewed: where the server
// says nothing that follows from each other, at half and at 7/8 of it (RFC 2131, 4.4.5).
func times(l *netcfg.Lease, ack *dhcpv4.DHCPv4) {
	seconds := func(d time.Duration) uint32 { return uint32(min(d/time.Second, time.Duration(netcfg.Forever))) }
	l.Seconds = max(1, seconds(ack.IPAddressLeaseTime(defaultLease)))
	l.Renew = seconds(ack.IPAddressRenewalTime(time.Duration(l.Seconds/2) * time.Second))
	l.Rebind = seconds(ack.IPAddressRebindingTime(time.Duration(uint64(l.Seconds)*7/8) * time.Second))
	if l.Renew > l.Rebind || l.Rebind > l.Seconds {
		l.Renew, l.Rebind = l.Seconds/2, uint32(uint64(l.Seconds)*7/8)
	}
	l.Since, l.Boot = int64(clock.Boottime()), bootID()
	l.Until = time.Now().Add(time.Duration(min(l.Seconds, 1<<30)) * time.Second).UTC().Truncate(time.Second)
}

// address is an IPv4 address that a host can have.
func address(ip net.IP) (netip.Addr, bool) {
	a, ok := netip.AddrFromSlice(ip.To4())
	return a, ok && netcfg.IsHost(a)
}

func addresses(list []net.IP) (addrs []netip.Addr) {
	for _, ip := range list {
		if a, ok := address(ip); ok && len(addrs) < most {
			addrs = append(addrs, a)
		}
	}
	return addrs
}
