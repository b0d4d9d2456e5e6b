package netcfg

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
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

// refusal is the error of a step that the kernel refused.
func (s step) refusal(l *Link, errno unix.Errno, text []byte) error {
	switch s.op {
	case setMTU:
		return fmt.Errorf("MTU %d on %s: %w%s", l.MTU, l.Name, errno, said(text))
	case setUp:
		return fmt.Errorf("bring up %s: %w%s", l.Name, errno, said(text))
	case addAddress:
		return fmt.Errorf("address %s on %s: %w%s", s.address(l), l.Name, errno, said(text))
	case addGateway:
		gw := s.gateway(l)
		if hint := offLink(l, gw); hint != "" && (errno == unix.ENETUNREACH || errno == unix.EHOSTUNREACH || errno == unix.EINVAL) {
			return fmt.Errorf("gateway %s on %s: %w: %s", gw, l.Name, errno, hint)
		}
		return fmt.Errorf("gateway %s on %s: %w%s", gw, l.Name, errno, said(text))
	}
	return fmt.Errorf("state of %s: %w%s", l.Name, errno, said(text))
}

// said puts the kernel's own words in brackets.
func said(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	return " (" + string(text) + ")"
}

// offLink says why gw cannot be reached over l; empty: it can.
func offLink(l *Link, gw netip.Addr) string {
	if gw.Is6() && gw.IsLinkLocalUnicast() {
		return "" // the kernel takes it as it is
	}
	var own []string
	for _, a := range l.Address {
		a = unmap(a)
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
