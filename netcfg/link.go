package netcfg

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// links are all that the kernel has; nil: it is asked for each.
type links []netlink.Link

// list asks for all of them in one request.
func list() links {
	all, err := netlink.LinkList()
	if err != nil { // of those that come and go meanwhile too (NLM_F_DUMP_INTR)
		return nil
	}
	return all
}

// find looks for the link: by its name, or by its address where the configuration has
// one.
func (l *Link) find(now links) (netlink.Link, error) {
	if !validName(l.Interface) {
		return nil, fmt.Errorf("interface name %q: want 1 to 15 bytes without '/', ':' and spaces", l.Interface)
	}
	if l.MAC != "" {
		return l.byMAC(now)
	}
	for _, link := range now {
		if link.Attrs().Name == l.Interface {
			return link, nil
		}
	}
	link, err := netlink.LinkByName(l.Interface) // it may be another name of one (ip-link(8), altname)
	return link, l.stateOf(err)
}

// byIndex looks for a link by the kernel's number.
func (l *Link) byIndex(index int, now links) (netlink.Link, error) {
	for _, link := range now {
		if link.Attrs().Index == index {
			return link, nil
		}
	}
	link, err := netlink.LinkByIndex(index)
	return link, l.stateOf(err)
}

func (l *Link) stateOf(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("state of %s: %w", l.Interface, err)
}

func (l *Link) byMAC(now links) (netlink.Link, error) {
	want, err := net.ParseMAC(l.MAC)
	if err == nil && now == nil {
		now, err = netlink.LinkList()
	}
	if err != nil {
		return nil, l.stateOf(err)
	}
	for _, link := range now {
		// The ports of a bond have the bond's address; their own is the permanent one. A
		// VLAN or a bridge has that of the link below, but is none that MAC is about.
		a := link.Attrs()
		own := a.PermHWAddr
		if len(own) == 0 {
			own = a.HardwareAddr
		}
		if bytes.Equal(own, want) && !isUpper(link) {
			return link, nil
		}
	}
	return nil, errNoLink
}

var errNoLink = errors.New("there is no such interface")

// isAbsent says whether an error means that there is no such interface.
func isAbsent(err error) bool {
	return errors.Is(err, errNoLink) || errors.As(err, &netlink.LinkNotFoundError{}) || errors.Is(err, unix.ENODEV)
}

// isUpper says whether a link is made of others: an upper device, as the kernel calls it.
func isUpper(link netlink.Link) bool {
	switch link.Type() {
	case "vlan", "bridge", "bond", "macvlan", "macvtap", "ipvlan", "team":
		return true
	}
	return false
}

// make makes a VLAN, a bridge or a bond. A bridge or a bond gets its
// ports later.
func (l *Link) make() error {
	switch {
	case l.VLAN.ID != 0:
		parent, err := netlink.LinkByName(l.VLAN.Parent)
		if err == nil {
			err = netlink.LinkSetUp(parent)
		}
		if err != nil {
			return err
		}
		return newLink(l.Interface, "vlan", nl.NewRtAttr(unix.IFLA_LINK, nl.Uint32Attr(uint32(parent.Attrs().Index))),
			nl.NewRtAttr(nl.IFLA_VLAN_ID, nl.Uint16Attr(uint16(l.VLAN.ID))))
	case len(l.Bond.Ports) > 0:
		mode := netlink.StringToBondMode(l.bondMode())
		return newLink(l.Interface, "bond", nil, nl.NewRtAttr(nl.IFLA_BOND_MODE, nl.Uint8Attr(uint8(mode))),
			nl.NewRtAttr(nl.IFLA_BOND_MIIMON, nl.Uint32Attr(bondMonitor)))
	case l.Bridge.STP:
		return newLink(l.Interface, "bridge", nil, nl.NewRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(1)))
	}
	return newLink(l.Interface, "bridge", nil)
}

// newLink makes a link of a kind with attributes of that kind (if_link.h): those that this
// package has, as netlink.LinkAdd brings all kinds of links (130 KB) and has no field for
// the spanning tree protocol of a bridge. below is the attribute of the link that it is on;
// nil: none.
func newLink(name, kind string, below *nl.RtAttr, attrs ...*nl.RtAttr) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	req.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)))
	if below != nil {
		req.AddData(below)
	}
	return sendInfo(req, kind, attrs...)
}

// changeLink changes one attribute of its kind of a link that is there.
func changeLink(link netlink.Link, attr *nl.RtAttr) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(link.Attrs().Index)
	req.AddData(msg)
	return sendInfo(req, link.Type(), attr)
}

// sendInfo completes a request with attributes of a kind of links, and does it.
func sendInfo(req *nl.NetlinkRequest, kind string, attrs ...*nl.RtAttr) error {
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated(kind))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	for _, a := range attrs {
		data.AddChild(a)
	}
	req.AddData(info)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// bondMonitor is how often a bond looks at the carrier of its ports, in ms: without it, it
// never does (bonding.rst, miimon).
const bondMonitor = 100

func (l *Link) bondMode() string {
	if l.Bond.Mode == "" {
		return "active-backup"
	}
	return l.Bond.Mode
}

// makeCommand is the ip(8) command that does what make does.
func (l *Link) makeCommand() string {
	c := "ip link add "
	switch {
	case l.VLAN.ID != 0:
		return c + "link " + l.VLAN.Parent + " name " + l.Interface + " type vlan id " + strconv.Itoa(l.VLAN.ID)
	case len(l.Bond.Ports) > 0:
		return c + l.Interface + " type bond mode " + l.bondMode() + " miimon " + strconv.Itoa(bondMonitor)
	case l.Bridge.STP:
		return c + l.Interface + " type bridge stp_state 1"
	}
	return c + l.Interface + " type bridge"
}
