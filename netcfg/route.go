package netcfg

import (
	"errors"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// addRoute is a route, as ip-route(8) has it.
type addRoute struct {
	to     netip.Prefix // not valid: a default route
	via    netip.Addr   // not valid: to is on the link itself
	metric int          // 0: none is named
	onlink bool         // via is on the link, though in no prefix of it
}

// ipv6Metric is what the kernel gives an IPv6 route that names no metric.
const ipv6Metric = 1024

func (s addRoute) command(link string) string {
	c, to := "ip route replace ", "default"
	if s.via.Is6() || s.to.Addr().Is6() {
		c = "ip -6 route replace "
	}
	if s.to.IsValid() && s.to.Bits() > 0 {
		to = s.to.String()
	}
	c += to
	if s.via.IsValid() {
		c += " via " + s.via.String()
	}
	c += " dev " + link
	if s.metric > 0 {
		c += " metric " + strconv.Itoa(s.metric)
	}
	if s.onlink {
		c += " onlink"
	}
	return c
}

func (s addRoute) do(link netlink.Link) error {
	return netlink.RouteReplace(s.route(link, unix.RTPROT_STATIC))
}

// route is s in the type of the library.
func (s addRoute) route(link netlink.Link, proto netlink.RouteProtocol) *netlink.Route {
	r := &netlink.Route{LinkIndex: link.Attrs().Index, Priority: s.metric, Protocol: proto}
	if s.to.IsValid() {
		r.Dst = ipNet(s.to)
	}
	if s.via.IsValid() {
		r.Gw = s.via.AsSlice()
	} else if s.to.Addr().Is4() {
		r.Scope = netlink.SCOPE_LINK // IPv6 has no scopes of routes
	}
	if s.onlink {
		r.SetFlag(netlink.FLAG_ONLINK)
	}
	return r
}

func (s addRoute) String() string {
	switch {
	case s.to.IsValid() && s.via.IsValid():
		return "route to " + s.to.String() + " via " + s.via.String()
	case s.to.IsValid():
		return "route to " + s.to.String()
	}
	return "gateway " + s.via.String()
}

func (s addRoute) hint(l *Link, err error) string {
	if errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.EINVAL) {
		return l.unreachable(s.via)
	}
	return ""
}

// gateway is the step of a default route: the first of a family is the strongest, and defaults
// counts those of IPv4 and of IPv6.
func (l *Link) gateway(via netip.Addr, defaults *[2]int) addRoute {
	n := &defaults[0]
	if via.Is6() {
		n = &defaults[1]
	}
	r := addRoute{via: via, metric: *n, onlink: l.offLink(via)}
	if r.metric > 0 && via.Is6() {
		r.metric += ipv6Metric
	}
	*n++
	return r
}

// offLink says whether gw is in no network of l, though that has some of its family. Such
// a gateway is reached over the link all the same, as hosting providers have it.
func (l *Link) offLink(gw netip.Addr) bool {
	if !gw.IsValid() || gw.Is6() && gw.IsLinkLocalUnicast() {
		return false // the kernel takes it as it is
	}
	some := false
	for _, a := range l.Address {
		if a.Contains(gw) {
			return false
		}
		some = some || a.Addr().Is4() == gw.Is4()
	}
	return some
}

// unreachable says why the kernel cannot reach gw over l; empty: it is not known.
func (l *Link) unreachable(gw netip.Addr) string {
	family := "IPv6"
	if gw.Is4() {
		family = "IPv4"
	}
	for _, a := range l.Address {
		if a.Addr().Is4() == gw.Is4() {
			return ""
		}
	}
	return l.Interface + " has no " + family + " address"
}
