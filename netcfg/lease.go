package netcfg

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// leaseMetric is that of the routes of a lease on the first link of a plan, and one more on
// each other: what the configuration says is stronger.
const leaseMetric = 100

// SetLease gives link i of the plan what a DHCP server said: address, routes, MTU. left is
// how many seconds the lease still lasts; then the kernel takes the address away by itself,
// whatever becomes of this process. What an earlier lease, old, had and this one has not
// goes; old may be nil. With lease nil all of it goes.
func (p Plan) SetLease(i int, old, lease *Lease, left int) (errs []error) {
	l := &p.Links[i]
	link, err := p.find(i, nil)
	if err != nil {
		return []error{fmt.Errorf("lease on %s: %w", l.Interface, err)}
	}
	note := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s on %s: %w", what, l.Interface, err))
		}
	}
	var routes []addRoute
	if lease != nil {
		if lease.MTU != 0 && l.MTU == 0 && link.Attrs().MTU != lease.MTU {
			note("MTU of the lease", netlink.LinkSetMTU(link, lease.MTU))
		}
		if !slices.Contains(l.Address, lease.Address) {
			a := &netlink.Addr{IPNet: ipNet(lease.Address)}
			if lease.Seconds != Forever {
				a.ValidLft, a.PreferedLft = left, left
			}
			note("address "+lease.Address.String(), netlink.AddrReplace(link, a))
		}
		routes = lease.routes(leaseMetric + i)
	}
	if old != nil && (lease == nil || old.Address != lease.Address) && !slices.Contains(l.Address, old.Address) {
		err := netlink.AddrDel(link, &netlink.Addr{IPNet: ipNet(old.Address)})
		if !errors.Is(err, unix.EADDRNOTAVAIL) { // the kernel was quicker
			note("end of "+old.Address.String(), err)
		}
	}
	for _, r := range routes {
		route := r.route(link, unix.RTPROT_DHCP)
		route.Src = lease.Address.Addr().AsSlice()
		note(r.String(), netlink.RouteReplace(route))
	}
	note("routes", dropRoutes(link, routes))
	return errs
}

// routes are those of a lease (RFC 3442: classless ones stand for the routers).
func (l *Lease) routes(metric int) (routes []addRoute) {
	onlink := func(via netip.Addr) bool { return via.IsValid() && !l.Address.Contains(via) }
	for _, r := range l.Routes {
		routes = append(routes, addRoute{r.To, r.Via, metric, onlink(r.Via)})
	}
	if len(l.Routes) == 0 && len(l.Routers) > 0 {
		routes = []addRoute{{via: l.Routers[0], metric: metric, onlink: onlink(l.Routers[0])}}
	}
	return routes
}

// dropRoutes deletes the routes of earlier leases on a link that are none of those to keep.
func dropRoutes(link netlink.Link, keep []addRoute) error {
	all, err := netlink.RouteListFiltered(unix.AF_INET, &netlink.Route{LinkIndex: link.Attrs().Index, Protocol: unix.RTPROT_DHCP},
		netlink.RT_FILTER_OIF|netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	for i := range all {
		r := &all[i]
		if !slices.ContainsFunc(keep, func(k addRoute) bool { return k.same(r) }) {
			if err := netlink.RouteDel(r); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
	}
	return nil
}

// same says whether the kernel's route is s.
func (s addRoute) same(r *netlink.Route) bool {
	to := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if s.to.IsValid() {
		to = s.to
	}
	via, _ := netip.AddrFromSlice(r.Gw.To4())
	return r.Priority == s.metric && via == s.via && (r.Dst == nil && to.Bits() == 0 || r.Dst != nil && r.Dst.String() == to.String())
}

// SetLocal gives link i of the plan a link-local IPv4 address in the place of old; either may
// be not valid, for none.
func (p Plan) SetLocal(i int, old, local netip.Prefix) error {
	link, err := p.find(i, nil)
	if err != nil {
		return fmt.Errorf("link-local address on %s: %w", p.Links[i].Interface, err)
	}
	if old.IsValid() && old != local {
		err = netlink.AddrDel(link, &netlink.Addr{IPNet: ipNet(old), Scope: int(netlink.SCOPE_LINK)})
	}
	if err == nil && local.IsValid() {
		err = netlink.AddrReplace(link, &netlink.Addr{IPNet: ipNet(local), Scope: int(netlink.SCOPE_LINK)})
	}
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("link-local address on %s: %w", p.Links[i].Interface, err)
	}
	return nil
}
