package netcfg

import (
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// requestTimeout is how long the answer to one request may take. The kernel answers
// before the write of the request returns; this is only for one that does not.
const requestTimeout = time.Second

// Apply sets the host name and does the steps of the plan. What is there already,
// from the kernel's own ip= or an earlier Apply, is left or replaced with the same;
// so it may be called again at any time, and where nothing is missing it causes no
// event on a Watch. An interface that is absent or without carrier is a state and
// not an error, and hinders no other. It waits for nothing. Needs CAP_SYS_ADMIN
// (for the host name) and CAP_NET_ADMIN.
func (p Plan) Apply() Status {
	setLibrary()
	s := p.status()
	if p.Hostname != "" {
		if err := unix.Sethostname([]byte(p.Hostname)); err != nil {
			s.Errs = append(s.Errs, fmt.Errorf("hostname %q: %w", p.Hostname, err))
		}
	}
	found := make([]netlink.Link, len(p.Links))
	errs := make([]error, len(p.Links))
	before := list()
	for i, steps := range p.steps() {
		l, status := &p.Links[i], &s.Links[i]
		if l.First {
			found[i], errs[i] = p.first(i, before)
		} else {
			found[i], errs[i] = l.present(before, status)
		}
		if errs[i] == nil {
			errs[i] = l.apply(found[i], steps, status)
		}
	}
	after := list()
	for i := range p.Links {
		if errs[i] == nil {
			found[i], errs[i] = p.Links[i].byIndex(found[i].Attrs().Index, after)
		}
		p.Links[i].settle(found[i], errs[i], &s.Links[i])
	}
	return s
}

// Check asks for the present state of the links without changing anything. It
// sees presence and carrier; what an earlier Apply was refused, it does not know.
func (p Plan) Check() Status {
	setLibrary()
	s := p.status()
	now := list()
	for i := range p.Links {
		link, err := p.find(i, now)
		p.Links[i].settle(link, err, &s.Links[i])
	}
	return s
}

// setLibrary sets what holds for all that use the library: the kernel is to say in words what
// it refuses, and no request waits for long.
func setLibrary() {
	nl.EnableErrorMessageReporting = true
	_ = netlink.SetSocketTimeout(requestTimeout)
}

// status is the state of links that nobody has asked for yet.
func (p Plan) status() Status {
	s := Status{Links: make([]LinkStatus, len(p.Links))}
	for i := range p.Links {
		s.Links[i].Name = p.Links[i].Interface
	}
	return s
}

// apply does steps to the link. The error is that of one that is gone.
func (l *Link) apply(link netlink.Link, steps []step, s *LinkStatus) error {
	for _, step := range steps {
		switch e := step.do(link); {
		case errors.Is(e, unix.ENODEV): // gone, or renamed: udev does that at a boot
			return e
		case e != nil && !errors.Is(e, unix.EEXIST):
			s.Errs = append(s.Errs, refusal(step, l, e))
		}
	}
	return nil
}

// settle makes of what the kernel says of the link now, and of what it refused before, its state.
// What was refused of a link that is gone is forgotten: all of it is done when it comes again.
func (l *Link) settle(link netlink.Link, err error, s *LinkStatus) {
	if err == nil {
		s.Device, s.Index = link.Attrs().Name, link.Attrs().Index
	}
	switch {
	case isAbsent(err):
		s.State, s.Device, s.Index, s.Errs = Absent, "", 0, nil
	case errors.Is(err, errNoCarrier):
		s.State = NoCarrier
	case err != nil:
		s.State, s.Errs = Failed, append(s.Errs, err)
	case s.Errs != nil:
		s.State = Failed
	case link.Attrs().RawFlags&(unix.IFF_UP|unix.IFF_LOWER_UP) != unix.IFF_UP|unix.IFF_LOWER_UP:
		s.State = NoCarrier
	case l.DHCP || l.LinkLocal:
		s.State = NoAddress // as far as is known here: the network child knows more
	default:
		s.State = Ready
	}
}
