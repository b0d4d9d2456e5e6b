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
	s := p.status()
	if p.Hostname != "" {
		if err := unix.Sethostname([]byte(p.Hostname)); err != nil {
			s.Errs = append(s.Errs, fmt.Errorf("hostname %q: %w", p.Hostname, err))
		}
	}
	for i, steps := range p.steps() {
		p.Links[i].apply(steps, &s.Links[i])
	}
	return s
}

// Check asks for the present state of the links without changing anything. It
// sees presence and carrier; what an earlier Apply was refused, it does not know.
func (p Plan) Check() Status {
	s := p.status()
	for i := range p.Links {
		p.Links[i].apply(nil, &s.Links[i])
	}
	return s
}

// status is the state of links that nobody has asked for yet.
func (p Plan) status() Status {
	// Of the library, for all that use it: the kernel is to say in words what it refuses.
	nl.EnableErrorMessageReporting = true
	_ = netlink.SetSocketTimeout(requestTimeout)
	s := Status{Links: make([]LinkStatus, len(p.Links))}
	for i := range p.Links {
		s.Links[i].Name = p.Links[i].Interface
	}
	return s
}

// apply does steps to the link and finds out its state after them. Without steps, it only
// looks.
func (l *Link) apply(steps []step, s *LinkStatus) {
	if !ValidName(l.Interface) {
		s.refuse(fmt.Errorf("interface name %q: want 1 to 15 bytes without '/', ':' and spaces", l.Interface))
		return
	}
	link, err := l.find()
	if steps != nil && l.made() && isAbsent(err) {
		if err = l.make(); err != nil && !isAbsent(err) {
			s.refuse(fmt.Errorf("%s: %w", l.makeCommand(), err))
			return
		}
		if err == nil {
			link, err = l.find()
		}
	}
	for _, step := range steps {
		if err != nil {
			break
		}
		switch e := step.do(link); {
		case errors.Is(e, unix.ENODEV): // gone, or renamed: udev does that at a boot
			err = e
		case e != nil && !errors.Is(e, unix.EEXIST):
			s.Errs = append(s.Errs, refusal(step, l, e))
		}
	}
	if err == nil && steps != nil {
		link, err = netlink.LinkByIndex(link.Attrs().Index)
	}
	s.take(link, err)
	if s.State == Ready && (l.DHCP || l.LinkLocal) {
		s.State = NoAddress // as far as is known here: the network child knows more
	}
}

// take takes in what the kernel says of the link now.
func (s *LinkStatus) take(link netlink.Link, err error) {
	if err == nil {
		s.Device, s.Index = link.Attrs().Name, link.Attrs().Index
	}
	switch {
	case isAbsent(err):
		s.State, s.Device, s.Index, s.Errs = Absent, "", 0, nil
		return
	case err != nil:
		s.refuse(fmt.Errorf("state of %s: %w", s.Name, err))
	case s.Errs != nil:
		s.State = Failed
	case link.Attrs().RawFlags&(unix.IFF_UP|unix.IFF_LOWER_UP) == unix.IFF_UP|unix.IFF_LOWER_UP:
		s.State = Ready
	default:
		s.State = NoCarrier
	}
}

func (s *LinkStatus) refuse(err error) {
	s.State = Failed
	s.Errs = append(s.Errs, err)
}
