package child

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// advert is what one router advertisement says of name servers (RFC 8106), as the kernel,
// which has checked the packet, hands it on (RTM_NEWNDUSEROPT).
type advert struct {
	index    int // of the link
	servers  []netip.Addr
	search   []string
	lifetime time.Duration // 0: they are not to be used any more
}

// advertised is what the routers of a link have said: each entry with its end, by
// clock.Boottime.
type advertised struct {
	servers map[netip.Addr]time.Duration
	search  map[string]time.Duration
}

const (
	sizeofNDUserOpt = 16 // struct nduseroptmsg of linux/rtnetlink.h
	routerAdvert    = 134
	optRDNSS        = 25
	optDNSSL        = 31
)

// listenAdverts hands on what routers say, for as long as the kernel does.
func listenAdverts(to chan<- advert) error {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_ND_USEROPT)
	if err != nil {
		return fmt.Errorf("router advertisements: %w", err)
	}
	defer s.Close()
	for {
		msgs, _, err := s.Receive()
		if err == unix.ENOBUFS {
			continue
		}
		if err != nil {
			return fmt.Errorf("router advertisements: %w", err)
		}
		for _, m := range msgs {
			if m.Header.Type != unix.RTM_NEWNDUSEROPT {
				continue
			}
			for _, a := range parseAdvert(m.Data) {
				to <- a
			}
		}
	}
}

// parseAdvert reads a struct nduseroptmsg and the options behind it (RFC 4861, 4.6: type,
// length in units of 8 bytes). What is not well formed is passed over.
func parseAdvert(b []byte) (list []advert) {
	if len(b) < sizeofNDUserOpt || b[0] != unix.AF_INET6 || b[8] != routerAdvert {
		return nil
	}
	index := int(int32(binary.NativeEndian.Uint32(b[4:])))
	options := b[sizeofNDUserOpt:]
	options = options[:min(len(options), int(binary.NativeEndian.Uint16(b[2:])))]
	for len(options) >= 8 {
		size := int(options[1]) * 8
		if size == 0 || size > len(options) {
			return list
		}
		a := advert{index: index, lifetime: time.Duration(binary.BigEndian.Uint32(options[4:])) * time.Second}
		body := options[8:size]
		switch options[0] {
		case optRDNSS:
			for ; len(body) >= 16 && len(a.servers) < most; body = body[16:] {
				// One that nobody can have would cost PID 1 the whole report.
				if s := netip.AddrFrom16([16]byte(body)); netcfg.IsHost(s) {
					a.servers = append(a.servers, s)
				}
			}
		case optDNSSL:
			a.search = domains(body)
		}
		if len(a.servers)+len(a.search) > 0 {
			list = append(list, a)
		}
		options = options[size:]
	}
	return list
}

// domains reads names as RFC 1035 (3.1) has them, one after the other, without pointers.
func domains(b []byte) (names []string) {
	name := ""
	for len(b) > 0 && len(names) < most {
		n := int(b[0])
		b = b[1:]
		switch {
		case n == 0:
			if netcfg.DomainName(name) {
				names = append(names, name)
			}
			name = ""
			continue
		case n > 63 || n > len(b):
			return names
		case name != "":
			name += "."
		}
		name += string(b[:n])
		b = b[n:]
	}
	return names
}

// hear takes over what a router said, for the links of the plan.
func (l *loop) hear(a advert) {
	for i := range l.links {
		if k := &l.links[i]; k.Index == a.index && k.Index != 0 {
			k.dns.add(a)
		}
	}
}

func (d *advertised) add(a advert) {
	if d.servers == nil {
		d.servers, d.search = map[netip.Addr]time.Duration{}, map[string]time.Duration{}
	}
	end := clock.Boottime() + a.lifetime
	for _, s := range a.servers {
		put(d.servers, s, end, a.lifetime)
	}
	for _, s := range a.search {
		put(d.search, s, end, a.lifetime)
	}
}

// put sets the end of an entry. There are no more than most: a router cannot take memory.
func put[K comparable](m map[K]time.Duration, key K, end, lifetime time.Duration) {
	if _, known := m[key]; lifetime == 0 {
		delete(m, key)
	} else if known || len(m) < most {
		m[key] = end
	}
}

func (d *advertised) expire() {
	now := clock.Boottime()
	for s, end := range d.servers {
		if end <= now {
			delete(d.servers, s)
		}
	}
	for s, end := range d.search {
		if end <= now {
			delete(d.search, s)
		}
	}
}

func (d *advertised) nextEnd() time.Duration {
	next, now := time.Hour, clock.Boottime()
	for _, end := range d.servers {
		next = min(next, end-now)
	}
	for _, end := range d.search {
		next = min(next, end-now)
	}
	return next
}

// all is what holds now, in an order that does not change; nil: nothing. The zone of a
// link-local server is the link that it was heard on.
func (d *advertised) all(device string) *netcfg.DNS {
	if len(d.servers)+len(d.search) == 0 {
		return nil
	}
	var dns netcfg.DNS
	for s := range d.servers {
		if s.IsLinkLocalUnicast() {
			s = s.WithZone(device)
		}
		dns.Servers = append(dns.Servers, s)
	}
	for s := range d.search {
		dns.Search = append(dns.Search, s)
	}
	sort.Slice(dns.Servers, func(i, j int) bool { return dns.Servers[i].Less(dns.Servers[j]) })
	slices.Sort(dns.Search)
	return &dns
}
