package netcfg

import (
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
)

// The kernel of a container has no bonds; TestLinks of the lab has the real one.
func TestChanges(t *testing.T) {
	attrs := netlink.LinkAttrs{Name: "bond0"}
	bond := func(mode netlink.BondMode, miimon int) netlink.Link {
		return &netlink.Bond{LinkAttrs: attrs, Mode: mode, Miimon: miimon}
	}
	for _, tt := range []struct {
		name  string
		there netlink.Link
		mode  string // that is wanted
		want  string // what is changed, or the error
	}{
		{"the module's own", bond(netlink.BOND_MODE_BALANCE_RR, 0), "", "mode active-backup, miimon 100"},
		{"mode", bond(netlink.BOND_MODE_BALANCE_RR, 100), "802.3ad", "mode 802.3ad"},
		{"miimon", bond(netlink.BOND_MODE_802_3AD, 0), "802.3ad", "miimon 100"},
		{"all right", bond(netlink.BOND_MODE_ACTIVE_BACKUP, 100), "", ""},
		{"balance-rr is wanted", bond(netlink.BOND_MODE_BALANCE_RR, 100), "balance-rr", ""},
		{"Ethernet", &netlink.Device{LinkAttrs: attrs}, "", "bond0 is there already and is hardware; want another name for the bond"},
		{"bridge", &netlink.Bridge{LinkAttrs: attrs}, "", "bond0 is there already and is bridge; want another name for the bond"},
	} {
		l := Link{Interface: "bond0", Bond: config.Bond{Ports: []string{"eth0"}, Mode: tt.mode}}
		changes, err := l.changes(tt.there)
		var got []string
		for _, c := range changes {
			got = append(got, c.what)
		}
		if err != nil {
			got = append(got, err.Error())
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, s, tt.want)
		}
	}
}

// A bridge that is there already gets what is configured, and after that nothing is
// changed; a link of another kind is no bridge, and is left as it is.
func TestApplyPresent(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		veth(t)
		ip(t, "link add br0 type bridge")
		for _, stp := range []bool{true, false} {
			p := Make("", []config.Network{{Interface: "br0", Bridge: config.Bridge{Ports: []string{"eth0"}, STP: stp}}})
			wantStates(t, p.Apply(), Ready, NoCarrier)
			if got, want := ip(t, "-d link show br0"), map[bool]string{true: "stp_state 1", false: "stp_state 0"}[stp]; !strings.Contains(got, want) {
				t.Errorf("want %s: %s", want, got)
			}
			for _, c := range p.Links[1].mustChange(t) {
				t.Errorf("%s is to be changed once more", c.what)
			}
		}
		s := Make("", []config.Network{{Interface: "peer0", Bridge: config.Bridge{Ports: []string{"eth0"}}, Address: prefixes("10.0.0.1/24")}}).Apply()
		const want = "peer0 is there already and is veth; want another name for the bridge"
		if l := s.Links[1]; l.State != Failed || len(l.Errs) != 1 || l.Errs[0].Error() != want {
			t.Errorf("got %+v, want failed with %q", l, want)
		}
		if got := addresses(t, "peer0"); got != nil {
			t.Errorf("peer0 has %q, want nothing", got)
		}
	})
}

// A VLAN that is there is the wanted one, or an error: its number and its link are for good.
func TestChangesVLAN(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		ip(t, "link add eth0 index 70 type veth peer name peer0 index 71")
		l := Link{Interface: "vlan7", VLAN: config.VLAN{Parent: "eth0", ID: 7}}
		for _, tt := range []struct {
			id, parent int
			want       string
		}{
			{7, 70, ""},
			{8, 70, "vlan7 is there already as VLAN 8 of link 70, and no VLAN can be changed; want VLAN 7 of eth0, which is link 70: it is so after a reboot"},
			{7, 71, "vlan7 is there already as VLAN 7 of link 71, and no VLAN can be changed; want VLAN 7 of eth0, which is link 70: it is so after a reboot"},
		} {
			_, err := l.changes(&netlink.Vlan{LinkAttrs: netlink.LinkAttrs{Name: "vlan7", ParentIndex: tt.parent}, VlanId: tt.id})
			if got := errText(err); got != tt.want {
				t.Errorf("%d of %d: got %q, want %q", tt.id, tt.parent, got, tt.want)
			}
		}
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (l *Link) mustChange(t *testing.T) []change {
	t.Helper()
	there, err := l.find(nil)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := l.changes(there)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}
