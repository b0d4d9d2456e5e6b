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
		if got := ValidName(tt.name); got != tt.want {
			t.Errorf("ValidName(%q) = %v, want %v", tt.name, got, tt.want)
		}
	}
}
