package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestParseIP(t *testing.T) {
	p, a := netip.MustParsePrefix, netip.MustParseAddr
	for _, tt := range []struct {
		value string
		want  ipConfig
		fault string // part of the only one
	}{
		{"192.168.7.6::192.168.7.1:255.255.255.0:eclero6:eth0:off:8.8.8.8",
			ipConfig{client: p("192.168.7.6/24"), gateway: a("192.168.7.1"), hostname: "eclero6", device: "eth0", dns: [2]netip.Addr{a("8.8.8.8")}}, ""},
		{"192.168.7.6:10.0.0.1:192.168.7.1:24:h:eth1:none:1.1.1.1:8.8.8.8:10.0.0.2",
			ipConfig{client: p("192.168.7.6/24"), gateway: a("192.168.7.1"), hostname: "h", device: "eth1", dns: [2]netip.Addr{a("1.1.1.1"), a("8.8.8.8")}, server: true, ntp: true}, ""},
		{"[fd00::6]::[fd00::1]:64:host:eth0:none", ipConfig{client: p("fd00::6/64"), gateway: a("fd00::1"), hostname: "host", device: "eth0"}, ""},
		{"[fd00::6]", ipConfig{client: p("fd00::6/64")}, ""},
		{"10.0.0.6", ipConfig{client: p("10.0.0.6/8")}, ""},
		{"172.16.0.6", ipConfig{client: p("172.16.0.6/16")}, ""},
		{"192.168.7.6:::", ipConfig{client: p("192.168.7.6/24")}, ""},
		{"240.0.0.6", ipConfig{client: p("240.0.0.6/32")}, ""},
		{"10.0.0.6:0.0.0.0:0.0.0.0", ipConfig{client: p("10.0.0.6/8")}, ""},
		{"", ipConfig{}, ""}, {"off", ipConfig{}, ""}, {"none", ipConfig{}, ""},
		{"dhcp", ipConfig{dhcp: true}, ""}, {"on", ipConfig{dhcp: true}, ""}, {"any", ipConfig{dhcp: true}, ""},
		{"both", ipConfig{dhcp: true}, ""}, {"bootp", ipConfig{dhcp: true}, ""}, {"rarp", ipConfig{dhcp: true}, ""},
		{"dhcp,0,node6", ipConfig{dhcp: true}, ""},
		{":::::eth1:dhcp", ipConfig{device: "eth1", dhcp: true, autoconf: "dhcp"}, ""},
		{":::::eth1", ipConfig{device: "eth1", dhcp: true}, ""},
		{"0.0.0.0:::::eth1", ipConfig{device: "eth1", dhcp: true}, ""},
		{"::::n6::off", ipConfig{hostname: "n6"}, ""},
		{"10.0.0.6:::::eth0:dhcp", ipConfig{client: p("10.0.0.6/8"), device: "eth0", autoconf: "dhcp"}, ""},

		{"192.168.7.6/24", ipConfig{}, `"192.168.7.6/24" in field 1 is no address of a host`},
		{"eth0:dhcp", ipConfig{server: false}, `"eth0" in field 1 is no address of a host`},
		{"224.0.0.1:::::eth0", ipConfig{device: "eth0"}, `field 1`},
		{"fd00::6", ipConfig{}, `"fd00" in field 1`},
		{"[fd00::6", ipConfig{}, "bracket that is not closed"},
		{"[fd00::6]x:", ipConfig{}, "bracket that is not closed"},
		{"[10.0.0.6]", ipConfig{}, `field 1`},
		{"10.0.0.6::10.0.0.256", ipConfig{client: p("10.0.0.6/8")}, `"10.0.0.256" in field 3`},
		{"10.0.0.6::[fd00::1]", ipConfig{client: p("10.0.0.6/8")}, `is no gateway for 10.0.0.6/8`},
		{"10.0.0.6:::255.0.255.0", ipConfig{client: p("10.0.0.6/8")}, `"255.0.255.0" in field 4 is no netmask`},
		{"10.0.0.6:::33", ipConfig{client: p("10.0.0.6/8")}, `"33" in field 4 is no netmask`},
		{"10.0.0.6:::0.0.0.0", ipConfig{client: p("10.0.0.6/8")}, `"0.0.0.0" in field 4 is no netmask`},
		{"[fd00::6]:::255.255.255.0", ipConfig{client: p("fd00::6/64")}, `field 4 is no netmask`},
		{"192.168.7.255:::255.255.255.0", ipConfig{}, `broadcast`},
		{"10.0.0.6:::::a/b", ipConfig{client: p("10.0.0.6/8")}, `"a/b" in field 6 is no name of an interface`},
		{"10.0.0.6::::::magic", ipConfig{client: p("10.0.0.6/8")}, `"magic" in field 7 is no way of autoconfiguration`},
		{"10.0.0.6:x", ipConfig{client: p("10.0.0.6/8")}, `"x" in field 2`},
		{"10.0.0.6:::::::x", ipConfig{client: p("10.0.0.6/8")}, `"x" in field 8`},
		{"10.0.0.6::::::::x", ipConfig{client: p("10.0.0.6/8")}, `"x" in field 9`},
		{"10.0.0.6:::::::::x", ipConfig{client: p("10.0.0.6/8")}, `"x" in field 10`},
		{"10.0.0.6::::::::::", ipConfig{client: p("10.0.0.6/8")}, `11 fields`},
	} {
		got, faults := parseIP(tt.value)
		if strings.HasPrefix(tt.value, "eth0:dhcp") || strings.HasPrefix(tt.value, "fd00::6") {
			faults = faults[:1] // the other fields are out of place too
		}
		if got != tt.want || (tt.fault == "") != (len(faults) == 0) || len(faults) > 1 || len(faults) == 1 && !strings.Contains(faults[0].what, tt.fault) {
			t.Errorf("ip=%s: got %+v, faults %v\nwant %+v, fault %q", tt.value, got, faults, tt.want, tt.fault)
		}
	}
}

func TestIPNetworks(t *testing.T) {
	const static = "[network.eth0]\naddress = [\"10.0.0.6/8\", \"fd00::6/64\"]\ngateway = [\"10.0.0.1\"]\nmtu = 1400\n"
	for _, tt := range []struct {
		name, toml, line string
		want             string // interface address gateway dhcp mtu, each
	}{
		{"runqemu", "", "ip=192.168.7.6::192.168.7.1:255.255.255.0::eth0:off:8.8.8.8 net.ifnames=0", "eth0 [192.168.7.6/24] [192.168.7.1] false 0"},
		{"no device", "", "ip=192.168.7.6", "eth0 [192.168.7.6/24] [] false 0"},
		{"two devices", "", "ip=10.0.0.6:::::eth0:off ip=10.1.0.6:::::eth1:off", "eth0 [10.0.0.6/8] [] false 0; eth1 [10.1.0.6/8] [] false 0"},
		{"one device twice", "", "ip=10.0.0.6::10.0.0.1:::eth0:off ip=10.1.0.6:::::eth0:off", "eth0 [10.1.0.6/8] [] false 0"},
		{"both families", "", "ip=10.0.0.6::10.0.0.1:::eth0:off ip=[fd00::6]::[fd00::1]:64::eth0:off", "eth0 [10.0.0.6/8 fd00::6/64] [10.0.0.1 fd00::1] false 0"},
		{"over the TOML", static, "ip=192.168.7.6:::::eth0:off", "eth0 [192.168.7.6/24] [] false 1400"},
		{"beside the TOML", static, "ip=192.168.7.6:::::eth1:off", "eth0 [10.0.0.6/8 fd00::6/64] [10.0.0.1] false 1400; eth1 [192.168.7.6/24] [] false 0"},
		{"off", static, "ip=off", "eth0 [10.0.0.6/8 fd00::6/64] [10.0.0.1] false 1400"},
		{"dhcp keeps the static ones for now", static, "ip=dhcp", "eth0 [10.0.0.6/8 fd00::6/64] [10.0.0.1] true 1400"},
		{"bad client", static, "ip=192.168.7.600:::::eth0", "eth0 [10.0.0.6/8 fd00::6/64] [10.0.0.1] false 1400"},
		{"nfsaddrs", "", "nfsaddrs=192.168.7.6", "eth0 [192.168.7.6/24] [] false 0"},
	} {
		c := load(t, tt.toml, tt.line)
		var got []string
		for i := range c.Network {
			n := &c.Network[i]
			list := func(s string) string { return strings.NewReplacer(`"`, "", ",", "").Replace(s) }
			got = append(got, strings.Join([]string{n.Interface, list(literal(addresses{&n.Address, &n.LinkLocal})), list(literal(&n.Gateway)), literal(&n.DHCP), literal(&n.MTU)}, " "))
		}
		if s := strings.Join(got, "; "); s != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, s, tt.want)
		}
	}
}

func TestIPNotes(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"ip=dhcp", []string{"network.eth0.dhcp: not supported yet; only the addresses given here are set"}},
		{"ip=10.0.0.6:10.0.0.1", []string{"ip: the boot server has no effect: there is no root over NFS"}},
		{"ip=10.0.0.6:::::::::10.0.0.1", []string{"ip: not supported yet; the time server is not asked"}},
		{"ip=10.0.0.6::::::dhcp", []string{"ip: dhcp has no effect beside a client address, as in the kernel"}},
		{"ip=10.0.0.6", nil},
	} {
		if got := notes(load(t, "", tt.line)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestDNS(t *testing.T) {
	c := load(t, "[dns]\nservers = [\"10.0.0.1\"]", "ip=10.0.0.6:::::eth0:off:8.8.8.8:1.1.1.1 ip=10.1.0.6:::::eth1:off:1.1.1.1:9.9.9.9")
	if got := literal(&c.DNS.Servers); got != `["8.8.8.8", "1.1.1.1", "9.9.9.9"]` {
		t.Errorf("servers: got %s", got)
	}
	if _, where := c.Origin("dns.servers"); where != "kernel command line, ip=" {
		t.Errorf("origin: got %s", where)
	}
}
