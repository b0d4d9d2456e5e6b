package netcfg

import (
	"net/netip"
	"strings"
)

// State is what became of a link.
type State uint8

// The states of a link.
const (
	Failed    State = iota // the kernel refused something: LinkStatus.Errs
	Absent                 // there is no such interface (yet)
	NoCarrier              // no cable, or nobody at its other end (yet)
	Ready
)

// String is the state in words.
func (s State) String() string {
	switch s {
	case Absent:
		return "absent"
	case NoCarrier:
		return "no carrier"
	case Ready:
		return "ready"
	}
	return "failed"
}

// LinkStatus is the state of one link of a plan.
type LinkStatus struct {
	Name  string
	State State
	Errs  []error // what was refused, one line each
}

// Status is the state of a plan, its links in the plan's order.
type Status struct {
	Links []LinkStatus
	Errs  []error // of the node as a whole: host name, the socket
}

// Ready says whether every link is.
func (s Status) Ready() bool {
	for i := range s.Links {
		if s.Links[i].State != Ready {
			return false
		}
	}
	return true
}

// Waiting says whether there is a link that may become ready by itself: absent,
// or without carrier. Then a Watch is worth its while.
func (s Status) Waiting() bool {
	for i := range s.Links {
		if st := s.Links[i].State; st == Absent || st == NoCarrier {
			return true
		}
	}
	return false
}

// offLink says why gw cannot be reached over l; empty: it can.
func offLink(l *Link, gw netip.Addr) string {
	if gw.Is6() && gw.IsLinkLocalUnicast() {
		return "" // the kernel takes it as it is
	}
	var own []string
	for _, a := range l.Address {
		if a.Contains(gw) {
			return ""
		}
		if a.Addr().Is4() == gw.Is4() {
			own = append(own, a.Masked().String())
		}
	}
	if own == nil {
		return l.Name + " has no " + familyName(gw) + " address"
	}
	return "not in the network of " + l.Name + ", " + strings.Join(own, ", ")
}

func familyName(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}
