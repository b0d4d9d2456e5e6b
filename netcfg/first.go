package netcfg

import (
	"errors"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// errNoCarrier is for a link that is to be the first with a carrier while none has one.
var errNoCarrier = errors.New("no interface has a carrier")

// markOf is what the link that was chosen has as its alias (ip-link(8)): it stays the one,
// whoever looks later, this process or another one.
func (l *Link) markOf() string { return "beaminit:" + l.Interface }

// find looks for link i of the plan without changing anything.
func (p Plan) find(i int, now links) (netlink.Link, error) {
	l := &p.Links[i]
	if !l.First {
		return l.find(now)
	}
	return l.chosen(p.candidates(i, now))
}

// chosen is the one of several that was chosen before, or the only one.
func (l *Link) chosen(all links) (netlink.Link, error) {
	for _, link := range all {
		if link.Attrs().Alias == l.markOf() {
			return link, nil
		}
	}
	switch len(all) {
	case 0:
		return nil, errNoLink
	case 1:
		return all[0], nil
	}
	return nil, errNoCarrier
}

// first is find, and chooses: it sets all that may be the one up, as the kernel does for its
// own ip=, takes the first that has a carrier, and sets the others down again. Where none has
// one they stay up, and whoever watches the links comes here again when one gets it.
func (p Plan) first(i int, now links) (netlink.Link, error) {
	l := &p.Links[i]
	all := p.candidates(i, now)
	link, err := l.chosen(all)
	if err != errNoCarrier {
		return link, err
	}
	fresh := make(map[int]bool) // those that nobody had set up
	for _, link := range all {
		if link.Attrs().RawFlags&unix.IFF_UP == 0 {
			fresh[link.Attrs().Index] = true
			err = errors.Join(err, netlink.LinkSetUp(link))
		}
	}
	all = p.candidates(i, list())
	at := slices.IndexFunc(all, func(link netlink.Link) bool { return link.Attrs().RawFlags&unix.IFF_LOWER_UP != 0 })
	if at < 0 {
		return nil, err
	}
	for n, link := range all {
		if n != at && (fresh[link.Attrs().Index] || link.Attrs().RawFlags&unix.IFF_LOWER_UP == 0) { // else somebody uses it
			l.setDown(link)
		}
	}
	return all[at], netlink.LinkSetAlias(all[at], l.markOf())
}

// setDown sets a link down that is not the chosen one. It may have the addresses of l, from
// when there was no other. What fails may be gone.
func (l *Link) setDown(link netlink.Link) {
	for _, p := range l.Address {
		_ = netlink.AddrDel(link, &netlink.Addr{IPNet: ipNet(p)})
	}
	_ = netlink.LinkSetDown(link)
}

// candidates are the links that may be link i, which is to be the first with a carrier:
// Ethernet of the board, and none that the configuration has for something else; the one
// that has its name before the others, which are in the kernel's order.
func (p Plan) candidates(i int, now links) (all links) {
	if now == nil {
		now = list()
	}
	taken := make(map[string]bool)
	for n := range p.Links {
		other := &p.Links[n]
		for _, below := range other.below() {
			taken[below] = true
		}
		if n == i {
			continue
		}
		if link, err := other.find(now); err == nil {
			taken[link.Attrs().Name] = true
		}
	}
	for _, link := range now {
		a := link.Attrs()
		if a.EncapType != "ether" || a.MasterIndex != 0 || link.Type() != "device" && link.Type() != "veth" || taken[a.Name] {
			continue
		}
		if a.Name == p.Links[i].Interface {
			all = slices.Insert(all, 0, link)
		} else {
			all = append(all, link)
		}
	}
	return all
}
