package netcfg

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
)

// two makes eth0 and eth1, with their other ends peer0 and peer1. All are down.
func two(t *testing.T) {
	t.Helper()
	veth(t)
	ip(t, "link add eth1 type veth peer name peer1")
	// The other ends are no interfaces of this node.
	ip(t, "link add br0 type bridge")
	ip(t, "link set peer0 master br0")
	ip(t, "link set peer1 master br0")
}

// Of two interfaces the one with a carrier is taken, whichever its name; it stays the one.
func TestFirstWithCarrier(t *testing.T) {
	home := config.Network{Interface: "eth0", First: true, Address: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")}}
	up := func(t *testing.T, link string) { ip(t, "link set "+link+" up") }
	where := func(t *testing.T) string {
		return strings.Join(addresses(t, "eth0"), ",") + " " + strings.Join(addresses(t, "eth1"), ",")
	}
	want := func(t *testing.T, p Plan, state State, at string) {
		t.Helper()
		s, now := p.Apply(), p.Check()
		if s.Links[1].State != state || now.Links[1].State != state || where(t) != at {
			t.Errorf("%v, then %v, addresses %q; want %v, %q", s.Links[1], now.Links[1], where(t), state, at)
		}
	}
	const on0, on1, nowhere = "10.0.0.2/24 ", " 10.0.0.2/24", " "
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, p Plan)
	}{
		{"the second has one", func(t *testing.T, p Plan) {
			up(t, "peer1")
			want(t, p, Ready, on1)
			if !strings.Contains(ip(t, "link show eth1"), "alias beaminit:eth0") || !strings.Contains(ip(t, "link show eth0"), "state DOWN") {
				t.Errorf("%s%s", ip(t, "link show eth1"), ip(t, "link show eth0"))
			}
			up(t, "peer0")
			want(t, p, Ready, on1)
			ip(t, "link set peer1 down")
			want(t, p, NoCarrier, on1)
		}},
		{"both have", func(t *testing.T, p Plan) {
			up(t, "peer0")
			up(t, "peer1")
			want(t, p, Ready, on0)
		}},
		{"none has, and then the second", func(t *testing.T, p Plan) {
			want(t, p, NoCarrier, nowhere)
			up(t, "peer1")
			want(t, p, Ready, on1)
		}},
		{"one is all there is", func(t *testing.T, p Plan) {
			ip(t, "link delete eth1")
			if s := p.Apply(); s.Links[1].State != NoCarrier || !same(addresses(t, "eth0"), "10.0.0.2/24") {
				t.Errorf("%+v", s.Links[1])
			}
		}},
		{"the second comes late", func(t *testing.T, p Plan) {
			ip(t, "link delete eth1")
			p.Apply()
			ip(t, "link add eth1 type veth peer name peer1")
			ip(t, "link set peer1 master br0")
			up(t, "peer1")
			want(t, p, Ready, on1)
		}},
		{"the second belongs to another table", func(t *testing.T, p Plan) {
			other := config.Network{Interface: "wan", MAC: strings.Fields(strings.SplitAfter(ip(t, "link show eth1"), "link/ether ")[1])[0]}
			up(t, "peer1")
			want(t, Make("", []config.Network{home, other}), NoCarrier, on0)
		}},
		{"it has gone, and another comes", func(t *testing.T, p Plan) {
			ip(t, "link delete eth0")
			up(t, "peer1")
			if s := p.Apply(); s.Links[1].State != Ready || s.Links[1].Device != "eth1" {
				t.Errorf("%+v", s.Links[1])
			}
			ip(t, "link delete eth1")
			if s := p.Apply(); s.Links[1].State != Absent {
				t.Errorf("%+v", s.Links[1])
			}
			veth(t)
			ip(t, "link set peer0 master br0")
			up(t, "peer0")
			if s := p.Apply(); s.Links[1].State != Ready || s.Links[1].Device != "eth0" {
				t.Errorf("%+v", s.Links[1])
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nstest.Run(t, nstest.Usual, func(t *testing.T) {
				two(t)
				tt.do(t, Make("", []config.Network{home}))
			})
		})
	}
}
