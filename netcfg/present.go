package netcfg

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// present finds the link, and makes it where it is one that Apply makes. One that is
// there already is brought to what the configuration says: it may be from an earlier
// Apply, or the kernel's own, as the bonding module makes bond0 when it is loaded
// (bonding.rst, max_bonds), which may be while this asks for bond0.
func (l *Link) present(now links, s *LinkStatus) (netlink.Link, error) {
	link, err := l.find(now)
	if !l.made() {
		return link, err
	}
	if isAbsent(err) {
		err = l.make()
		switch {
		case err == nil:
			return l.find(nil)
		case errors.Is(err, unix.EEXIST):
			link, err = l.find(nil)
		case !isAbsent(err):
			err = fmt.Errorf("%s: %w", l.makeCommand(), err)
		}
	}
	if err == nil {
		err = l.amend(link, s)
	}
	return link, err
}

// kind is the kernel's word for the kind of link that make makes.
func (l *Link) kind() string {
	switch {
	case l.VLAN.ID != 0:
		return "vlan"
	case len(l.Bond.Ports) > 0:
		return "bond"
	}
	return "bridge"
}

// amend changes what there has otherwise than the configuration: where nothing is, it
// asks for nothing, so that no Watch hears of it. A change that the kernel refuses is an
// error of the link in s; one that there cannot be what is wanted at all is returned.
func (l *Link) amend(there netlink.Link, s *LinkStatus) error {
	changes, err := l.changes(there)
	for _, c := range changes {
		switch e := changeLink(there, c.attr); {
		case errors.Is(e, unix.ENODEV):
			return e
		case errors.Is(e, unix.EBUSY) || errors.Is(e, unix.ENOTEMPTY): // bond_opt_check_deps in the kernel's bond_options.c
			s.Errs = append(s.Errs, fmt.Errorf("%s on %s, which is there already: %w: "+
				"a bond can change it only while it is down and has no ports; it is so after a reboot", c.what, l.Interface, e))
		case e != nil:
			s.Errs = append(s.Errs, fmt.Errorf("%s on %s, which is there already: %w", c.what, l.Interface, e))
		}
	}
	return err
}

// change is an attribute that a link is to have, and what it is in the words of ip-link(8).
type change struct {
	what string
	attr *nl.RtAttr
}

// changes are those that make of a link that is there the one that is wanted; an error
// where none can.
func (l *Link) changes(there netlink.Link) (list []change, err error) {
	if kind := there.Type(); kind != l.kind() {
		if kind == "device" {
			kind = "hardware"
		}
		return nil, fmt.Errorf("%s is there already and is %s; want another name for the %s", l.Interface, kind, l.kind())
	}
	switch link := there.(type) {
	case *netlink.Bond:
		// Each by its own: the mode may be refused and the other not.
		if mode := netlink.StringToBondMode(l.bondMode()); link.Mode != mode {
			list = append(list, change{"mode " + l.bondMode(), nl.NewRtAttr(nl.IFLA_BOND_MODE, nl.Uint8Attr(uint8(mode)))})
		}
		if link.Miimon != bondMonitor {
			list = append(list, change{fmt.Sprint("miimon ", bondMonitor), nl.NewRtAttr(nl.IFLA_BOND_MIIMON, nl.Uint32Attr(bondMonitor))})
		}
	case *netlink.Vlan:
		parent, err := netlink.LinkByName(l.VLAN.Parent)
		if err != nil {
			return nil, err
		}
		if on := parent.Attrs().Index; link.VlanId != l.VLAN.ID || link.ParentIndex != on {
			return nil, fmt.Errorf("%s is there already as VLAN %d of link %d, and no VLAN can be changed; "+
				"want VLAN %d of %s, which is link %d: it is so after a reboot",
				l.Interface, link.VlanId, link.ParentIndex, l.VLAN.ID, l.VLAN.Parent, on)
		}
	case *netlink.Bridge:
		return l.bridgeChanges(link)
	}
	return list, nil
}

// bridgeChanges are those of a bridge: the spanning tree protocol is what is configured
// of one, and the library does not read it.
func (l *Link) bridgeChanges(there *netlink.Bridge) ([]change, error) {
	now, err := spanningTree(there.Index)
	if err != nil || (now != 0) == l.Bridge.STP {
		return nil, err
	}
	want := uint32(0)
	if l.Bridge.STP {
		want = 1
	}
	return []change{{fmt.Sprint("stp_state ", want), nl.NewRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(want))}}, nil
}

// spanningTree is IFLA_BR_STP_STATE of the bridge with this index: 0 is off.
func spanningTree(index int) (uint32, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(index)
	req.AddData(msg)
	answers, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil || len(answers) != 1 || len(answers[0]) < unix.SizeofIfInfomsg {
		return 0, errors.Join(err, errNoLink)
	}
	data := answers[0][unix.SizeofIfInfomsg:]
	for _, kind := range []uint16{unix.IFLA_LINKINFO, nl.IFLA_INFO_DATA, nl.IFLA_BR_STP_STATE} {
		if data, err = attribute(data, kind); err != nil {
			return 0, err
		}
	}
	if len(data) < 4 {
		return 0, unix.EBADMSG
	}
	return nl.NativeEndian().Uint32(data), nil
}

// attribute is the value of that kind among attributes (rtnetlink(7)).
func attribute(data []byte, kind uint16) ([]byte, error) {
	attrs, err := nl.ParseRouteAttr(data)
	for _, a := range attrs {
		if a.Attr.Type&^unix.NLA_F_NESTED == kind {
			return a.Value, nil
		}
	}
	return nil, errors.Join(err, unix.EBADMSG)
}
