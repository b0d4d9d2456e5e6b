package netcfg

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
)

func prefixes(s ...string) (p []netip.Prefix) {
	for _, s := range s {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func addrs(s ...string) (a []netip.Addr) {
	for _, s := range s {
		a = append(a, netip.MustParseAddr(s))
	}
	return a
}

func TestMakeLines(t *testing.T) {
	tests := []struct {
		name     string
		hostname string
		nets     []config.Network
		want     string
	}{
		{"lo alone", "", nil, `
ip link set lo up`},
		{"one link", "eclero6", []config.Network{{
			Interface: "eth0", Address: prefixes("192.168.7.6/24"), Gateway: addrs("192.168.7.1"), Wait: time.Second}}, `
hostname eclero6
ip link set lo up
ip link set eth0 up
ip address replace 192.168.7.6/24 dev eth0
ip route replace default via 192.168.7.1 dev eth0`},
		{"MTU, both families, link-local gateway", "n1.farm.local", []config.Network{{
			Interface: "eth0", Address: prefixes("10.0.0.1/8", "fd00::6/64"),
			Gateway: addrs("10.0.0.254", "fe80::1%eth0"), MTU: 1400}}, `
hostname n1.farm.local
ip link set lo up
ip link set eth0 mtu 1400
ip link set eth0 up
ip address replace 10.0.0.1/8 dev eth0
ip address replace fd00::6/64 dev eth0 nodad
ip route replace default via 10.0.0.254 dev eth0
ip -6 route replace default via fe80::1 dev eth0`},
		{"the first default route of a family wins", "n", []config.Network{
			{Interface: "eth0", Address: prefixes("10.0.0.1/8", "fd00::6/64"), Gateway: addrs("10.0.0.254", "10.0.0.253", "fd00::1")},
			{Interface: "eth1", Address: prefixes("10.1.0.1/16", "fd01::6/64"), Gateway: addrs("10.1.0.254", "fd01::1")}}, `
hostname n
ip link set lo up
ip link set eth0 up
ip address replace 10.0.0.1/8 dev eth0
ip address replace fd00::6/64 dev eth0 nodad
ip route replace default via 10.0.0.254 dev eth0
ip route replace default via 10.0.0.253 dev eth0 metric 1
ip -6 route replace default via fd00::1 dev eth0
ip link set eth1 up
ip address replace 10.1.0.1/16 dev eth1
ip address replace fd01::6/64 dev eth1 nodad
ip route replace default via 10.1.0.254 dev eth1 metric 2
ip -6 route replace default via fd01::1 dev eth1 metric 1025`},
		{"lo with an address, named last, is first and once", "n", []config.Network{
			{Interface: "eth0"}, {Interface: "lo", Address: prefixes("10.9.9.9/32")}}, `
hostname n
ip link set lo up
ip address replace 10.9.9.9/32 dev lo
ip link set eth0 up`},
		{"IPv4 in IPv6 is IPv4", "n", []config.Network{
			{Interface: "eth0", Address: prefixes("::ffff:10.0.0.1/104"), Gateway: addrs("::ffff:10.0.0.2")}}, `
hostname n
ip link set lo up
ip link set eth0 up
ip address replace 10.0.0.1/8 dev eth0
ip route replace default via 10.0.0.2 dev eth0`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Make(tt.hostname, tt.nets).String()
			if want := strings.TrimPrefix(tt.want, "\n") + "\n"; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestMakeKeepsWait(t *testing.T) {
	p := Make("n", []config.Network{{Interface: "eth0", Wait: 7 * time.Second}})
	if len(p.Links) != 2 || p.Links[1].Wait != 7*time.Second {
		t.Errorf("got %+v, want eth0 with a wait of 7s", p.Links)
	}
}

func TestValidName(t *testing.T) {
	tests := []struct {
		name string
		want bool
	}{
		{"eth0", true}, {"lo", true}, {"eth0.100", true}, {"123456789012345", true}, {"...", true}, {"wlan-ü", true},
		{"", false}, {"1234567890123456", false}, {"a/b", false}, {"a b", false}, {"a\tb", false},
		{"eth0:1", false}, {".", false}, {"..", false}, {"a\x00b", false}, {"a\xa0", false},
	}
	for _, tt := range tests {
		if got := validName(tt.name); got != tt.want {
			t.Errorf("validName(%q) = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestMakeMore(t *testing.T) {
	nets := []config.Network{
		{Interface: "br0.7", VLAN: config.VLAN{Parent: "br0", ID: 7}, Address: prefixes("10.7.0.1/24")},
		{Interface: "br0", Bridge: config.Bridge{Ports: []string{"bond0", "eth2"}, STP: true}, Address: prefixes("10.0.0.1/24", "fd00::1/64"),
			Gateway: addrs("10.9.9.9", "fd09::1"),
			Route: []config.Route{
				{To: prefixes("10.8.0.0/16")[0], Via: addrs("10.0.0.9")[0], Metric: 100},
				{To: prefixes("172.16.0.1/12")[0]},
				{To: prefixes("fd08::/48")[0], Via: addrs("fe80::9")[0]},
				{To: prefixes("0.0.0.0/0")[0], Via: addrs("10.0.0.8")[0], Metric: 900, OnLink: true}}},
		{Interface: "bond0", Bond: config.Bond{Ports: []string{"eth0", "eth1"}}},
		{Interface: "wan", MAC: "02:00:5e:00:53:01", DHCP: true, LinkLocal: true},
	}
	const want = `
ip link set lo up
# wan is the link with the address 02:00:5e:00:53:01
ip link set wan up
# wan gets an address by DHCP
# wan takes an address of 169.254.0.0/16 that is free
ip link add bond0 type bond mode active-backup miimon 100
ip link set eth0 master bond0
ip link set eth1 master bond0
ip link set bond0 up
ip link add br0 type bridge stp_state 1
ip link set bond0 master br0
ip link set eth2 master br0
ip link set br0 up
ip address replace 10.0.0.1/24 dev br0
ip address replace fd00::1/64 dev br0 nodad
ip route replace default via 10.9.9.9 dev br0 onlink
ip -6 route replace default via fd09::1 dev br0 onlink
ip route replace 10.8.0.0/16 via 10.0.0.9 dev br0 metric 100
ip route replace 172.16.0.0/12 dev br0
ip -6 route replace fd08::/48 via fe80::9 dev br0
ip route replace default via 10.0.0.8 dev br0 metric 900 onlink
ip link add link br0 name br0.7 type vlan id 7
ip link set br0.7 up
ip address replace 10.7.0.1/24 dev br0.7
`
	p := Make("", nets)
	if got := "\n" + p.String(); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
	if errs := p.Problems(); errs != nil {
		t.Errorf("problems %v, want none", errs)
	}
}

func TestProblems(t *testing.T) {
	tests := []struct {
		nets []config.Network
		want string
	}{
		{[]config.Network{{Interface: "eth0", Address: prefixes("10.0.0.1/24"), Gateway: addrs("10.0.0.2", "10.0.0.1")}},
			"network.eth0.gateway: 10.0.0.1 is this node's own address; want that of another machine on the link"},
		{[]config.Network{{Interface: "eth0", Address: prefixes("fd00::1/64"), Route: []config.Route{{To: prefixes("fd01::/64")[0], Via: addrs("fd00::1")[0]}}}},
			"network.eth0.route: fd00::1 is this node's own address; want that of another machine on the link"},
		{[]config.Network{{Interface: "a", VLAN: config.VLAN{Parent: "a", ID: 1}}}, "network.a: it is made of itself, by a; it is left out"},
		{[]config.Network{{Interface: "a", Bridge: config.Bridge{Ports: []string{"b"}}}, {Interface: "b", Bond: config.Bond{Ports: []string{"b", "c"}}}},
			"network.b: it is made of itself, by b, c; it is left out"},
		{[]config.Network{{Interface: "a", Bridge: config.Bridge{Ports: []string{"c"}}}, {Interface: "b", Bond: config.Bond{Ports: []string{"c"}}}},
			"network.b: c is a port of a already; want each port once"},
		{[]config.Network{{Interface: "br0", Bridge: config.Bridge{Ports: []string{"c"}}}, {Interface: "c", MTU: 1400}}, ""},
		{[]config.Network{{Interface: "br0", Bridge: config.Bridge{Ports: []string{"c"}}}, {Interface: "c", Address: prefixes("10.0.0.2/24")}},
			"network.c: it is a port of br0, and what comes in is for that; want the address in network.br0"},
		{[]config.Network{{Interface: "bond0", Bond: config.Bond{Ports: []string{"c"}}}, {Interface: "c", DHCP: true}},
			"network.c: it is a port of bond0, and what comes in is for that; want the address in network.bond0"},
	}
	for _, tt := range tests {
		var got []string
		for _, err := range Make("", tt.nets).Problems() {
			got = append(got, err.Error())
		}
		if !strings.Contains(strings.Join(got, "\n"), tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
