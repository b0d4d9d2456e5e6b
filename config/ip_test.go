package config

import (
	"fmt"
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
			ipConfig{client: p("192.168.7.6/24"), gateway: a("192.168.7.1"), hostname: "h", device: "eth1", dns: [2]netip.Addr{a("1.1.1.1"), a("8.8.8.8")}, ntp: true}, ""},
		{"[fd00::6]::[fd00::1]:64:host:eth0:none", ipConfig{client: p("fd00::6/64"), gateway: a("fd00::1"), hostname: "host", device: "eth0"}, ""},
		{"[fd00::6]", ipConfig{client: p("fd00::6/64")}, ""},
		{"10.0.0.6", ipConfig{client: p("10.0.0.6/8")}, ""},
		{"172.16.0.6", ipConfig{client: p("172.16.0.6/16")}, ""},
		{"192.168.7.6:::", ipConfig{client: p("192.168.7.6/24")}, ""},
		{"240.0.0.6", ipConfig{client: p("240.0.0.6/32")}, ""},
		{"10.0.0.6:0.0.0.0:0.0.0.0", ipConfig{client: p("10.0.0.6/8")}, ""},
		{"", ipConfig{}, ""}, {"off", ipConfig{}, ""}, {"none", ipConfig{}, ""},
		{"dhcp", ipConfig{dhcp: true, autoconf: "dhcp"}, ""}, {"on", ipConfig{dhcp: true, autoconf: "on"}, ""}, {"any", ipConfig{dhcp: true, autoconf: "any"}, ""},
		{"both", ipConfig{dhcp: true, autoconf: "both"}, ""}, {"bootp", ipConfig{dhcp: true, autoconf: "bootp"}, ""}, {"rarp", ipConfig{dhcp: true, autoconf: "rarp"}, ""},
		{"dhcp,0,node6", ipConfig{dhcp: true, autoconf: "dhcp,0,node6"}, ""},
		{":::::eth1:dhcp", ipConfig{device: "eth1", dhcp: true, autoconf: "dhcp"}, ""},
		{":::::eth1", ipConfig{device: "eth1", dhcp: true}, ""},
		{"0.0.0.0:::::eth1", ipConfig{device: "eth1", dhcp: true}, ""},
		{"::::n6::off", ipConfig{hostname: "n6"}, ""},
		{"10.0.0.6:::::eth0:dhcp", ipConfig{client: p("10.0.0.6/8"), device: "eth0", autoconf: "dhcp"}, ""},

		{"10.0.0.6::::::::::::", ipConfig{client: p("10.0.0.6/8")}, ""}, // empty fields behind the tenth
		{"[fd00::6]:::[ffff:ffff:ffff:ffff::]", ipConfig{client: p("fd00::6/64")}, ""},
		{"[fd00::6]:::56", ipConfig{client: p("fd00::6/56")}, ""},
		{"10.0.0.6:::::::0.0.0.0:[fd00::1]", ipConfig{client: p("10.0.0.6/8"), dns: [2]netip.Addr{{}, a("fd00::1")}}, ""},

		// Nothing of these is used, above all no host name.
		{"224.0.0.1:::::eth0", ipConfig{}, `"224.0.0.1" in field 1 is no address of a host`},
		{"[fd00::6", ipConfig{}, "bracket that is not closed"},
		{"[fd00::6]x:", ipConfig{}, "bracket that is not closed"},
		{"[10.0.0.6]", ipConfig{}, `field 1`},
		{"10.0.0.6::10.0.0.256::n6", ipConfig{}, `"10.0.0.256" in field 3`},
		{"10.0.0.6::[fd00::1]", ipConfig{}, `is no gateway for 10.0.0.6/8`},
		{"10.0.0.6:::255.0.255.0:n6", ipConfig{}, `"255.0.255.0" in field 4 is no netmask for 10.0.0.6; want such as 255.255.255.0 or 24`},
		{"10.0.0.6:::33", ipConfig{}, `"33" in field 4 is no netmask`},
		{"10.0.0.6:::0.0.0.0", ipConfig{}, `"0.0.0.0" in field 4 is no netmask`},
		{"[fd00::6]:::255.255.255.0", ipConfig{}, `field 4 is no netmask for fd00::6; want such as 64 or [ffff:ffff:ffff:ffff::]`},
		{"[fd00::6]:::[ffff:0:ffff::]", ipConfig{}, `field 4 is no netmask`},
		{"192.168.7.255:::255.255.255.0", ipConfig{}, `broadcast`},
		{"10.0.0.6::::a_b", ipConfig{}, `"a_b" in field 5 is no host name`},
		{"10.0.0.6::::255.255.255.0", ipConfig{}, `"255.255.255.0" in field 5 is no host name`},
		{"10.0.0.6:::::a/b", ipConfig{}, `"a/b" in field 6 is no name of an interface`},
		{"10.0.0.6::::n6::magic", ipConfig{}, `"magic" in field 7 is no way of autoconfiguration`},
		{"10.0.0.6:x", ipConfig{}, `"x" in field 2`},
		{"10.0.0.6::::::::x", ipConfig{}, `"x" in field 9`},
		{"10.0.0.6:::::::::x", ipConfig{}, `"x" in field 10`},
		{"10.0.0.6::::::::::x", ipConfig{}, `11 fields`},

		// Forms of others, and what to write in their place.
		{"192.168.7.6/24", ipConfig{}, `is an address with a prefix length; want the length in field 4: ip=192.168.7.6:::24`},
		{"eth0:dhcp", ipConfig{}, `"eth0:dhcp" is dracut's IFACE:dhcp; want ip=:::::eth0:dhcp`},
		{"enp3s0:on:1500:52:54:00:12:34:56", ipConfig{}, `is dracut's IFACE:on; want ip=:::::enp3s0:dhcp`},
		{"eth0:off", ipConfig{}, `want no ip= for eth0`},
		{"eth0:auto6", ipConfig{}, `is dracut's form; want nothing: IPv6 routers are heeded`},
		{"dhcp6", ipConfig{}, `is dracut's form`},
		{"10.0.0.6::10.0.0.1:255.0.0.0:n6:eth0:ibft", ipConfig{}, `is dracut's form; want the address itself`},
		{"single-dhcp", ipConfig{}, `is dracut's form; want ip=dhcp`},
		{"eth0:link-local", ipConfig{}, `is dracut's form; want network.IFACE.address = ["link-local"]`},
		{"10.0.0.6::10.0.0.1:255.0.0.0:n6:eth0:none:1500", ipConfig{}, `want ip=10.0.0.6::10.0.0.1:255.0.0.0:n6:eth0:none and beaminit.network.eth0.mtu=1500`},
		{"10.0.0.6::10.0.0.1:255.0.0.0:n6:eth0:none:1500:52:54:00:12:34:56", ipConfig{}, `cut at the colons of a MAC address, as dracut has one at the end; want ip=10.0.0.6::10.0.0.1:255.0.0.0:n6:eth0:none and, for the MAC, beaminit.network.eth0.mac=52:54:00:12:34:56`},
		{"fd00::6", ipConfig{}, `is cut at the colons of an IPv6 address; want brackets around it: [fd00::6]`},
		{"2001:db8:0:1:2:3:4:5::[fd00::1]:64:n6:eth0:off", ipConfig{}, `want brackets around it: [2001:db8:0:1:2:3:4:5]`},
		{"[fd00::6]::fd00::1:64:n6:eth0:off", ipConfig{}, `is cut at the colons of an IPv6 address`},
	} {
		got, f := parseIP(tt.value)
		if line := f.what + "; want " + f.want; got != tt.want || (tt.fault == "") != (f.what == "") || !strings.Contains(line, tt.fault) {
			t.Errorf("ip=%s: got %+v, fault %q\nwant %+v, fault %q", tt.value, got, line, tt.want, tt.fault)
		}
		if c := load(t, "", "ip="+tt.value); tt.fault != "" && (c.Node.Hostname != "beaminit-abcd06" || len(c.Network) > 0 || len(c.Problems) != 1) {
			t.Errorf("ip=%s: got %s %+v, problems %q", tt.value, c.Node.Hostname, c.Network, problems(c))
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
		{"ip=dhcp", nil},
		{"ip=10.0.0.6:10.0.0.1", nil},
		{"ip=10.0.0.6:::::::::10.0.0.1", []string{"ip: not supported yet; the time server is not asked"}},
		{"ip=10.0.0.6::::::dhcp", []string{"ip: dhcp has no effect beside a client address, as in the kernel"}},
		{"ip=:::::eth1:rarp", []string{"ip: rarp: DHCP is asked in its place"}},
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

// Parameters of dracut that say what keys of ours say.
func TestDracut(t *testing.T) {
	for _, tt := range []struct {
		line    string
		want    string // interface: MAC VLAN bridge bond routes, each; then the name servers
		problem string
	}{
		{"nameserver=192.168.7.1 nameserver=[fd00::1] ip=10.0.0.6:::::::8.8.8.8", "eth0: {0 } [] { []} [] [192.168.7.1 fd00::1 8.8.8.8]", ""},
		{"nameserver=x", "[]", `nameserver: "x" is no address of a host; want such as nameserver=192.168.7.1; using nothing of it`},
		{"vlan=eth0.5:eth0", "eth0.5: {5 eth0} [] { []} [] []", ""},
		{"vlan=vlan0007:eth1", "vlan0007: {7 eth1} [] { []} [] []", ""},
		{"vlan=vlan:eth1", "[]", `vlan: "vlan:eth1" is no VLAN`},
		{"ifname=lan:02:00:5E:00:53:01", "lan: 02:00:5e:00:53:01{0 } [] { []} [] []", ""},
		{"ifname=lan:02:00", "lan: {0 } [] { []} [] []", `ifname: "02:00" is no MAC address`},
		{"bridge=br0:eth0,eth1", "br0: {0 } [eth0 eth1] { []} [] []", ""},
		{"bond=bond0:eth0,eth1:mode=802.3ad", "bond0: {0 } [] {802.3ad [eth0 eth1]} [] []", ""},
		{"bond=bond0:eth0:mode=4", "[]", `bond: "mode=4" is no option that is taken over`},
		{"rd.route=10.0.0.0/8:192.168.7.1:eth1 rd.route=10.9.0.0/255.255.0.0:192.168.7.2:eth1", "eth1: {0 } [] { []} [10.0.0.0/8 192.168.7.1 10.9.0.0/16 192.168.7.2] []", ""},
		{"rd.route=[fd01::/64]:[fd00::1]", "eth0: {0 } [] { []} [fd01::/64 fd00::1] []", ""},
		{"rd.route=0.0.0.0/0:192.168.7.1", "eth0: {0 } [] { []} [0.0.0.0/0 192.168.7.1] []", ""},
		{"rd.route=10.0.0.1/8:192.168.7.1", "[]", `rd.route: "10.0.0.1/8" is no network`},
		{"rd.route=10.0.0.0/8:[fd00::1]", "[]", `rd.route: "[fd00::1]" is no gateway for it`},
		{"rd.route=x", "[]", `rd.route: "x" is no route`},
	} {
		read := files{macPath: macText, "/sys/class/net/eth1/address": macText, "/sys/class/net/lan/address": macText}.read
		c := Load(tt.line, read)
		valid(t, c)
		got := ""
		for _, n := range c.Network {
			var routes []string
			for _, r := range n.Route {
				routes = append(routes, r.To.String(), r.Via.String())
			}
			got += fmt.Sprintf("%s: %s{%d %s} %v {%s %v} %v ", n.Interface, n.MAC, n.VLAN.ID, n.VLAN.Parent, n.Bridge.Ports, n.Bond.Mode, n.Bond.Ports, routes)
		}
		got += fmt.Sprint(c.DNS.Servers)
		if line := strings.Join(problems(c), "\n"); got != tt.want || !strings.Contains(line, tt.problem) || (line == "") != (tt.problem == "") {
			t.Errorf("%s: got %s, problems %s\nwant %s, %s", tt.line, got, line, tt.want, tt.problem)
		}
	}
	for word, want := range map[string]string{"single": "no runlevels", "emergency": "no runlevels", "1": "no runlevels", "3": "", "splash": "",
		"systemd.mount-extra=/dev/vdb:/data:ext4": "want [[mount]]", "systemd.swap-extra=/dev/vdc": `type = "swap"`, "systemd.setenv=A=b": "want release.env",
		"systemd.watchdog_sec=30": "want watchdog.device", "systemd.show_status=0": "it is for systemd", "quotacheck.mode=skip": "it is for systemd",
		"udev.children_max=3": "it is for udev", "mount.usr=/dev/vda2": "want [[mount]]", "overlayroot=tmpfs": "overlay",
		"systemd.volatile=yes": "want root.overlay", "roothash=ab": "the root is not verified by it; want dm-mod.create=", "systemd.verity_root_data=/dev/a": "want dm-mod.create=",
		"rd.luks=0 rd.lvm=no rd.md=0": "", "rd.lvm=1": "no logical volume", "rd.lvm.vg=0a": "no logical volume"} {
		c := load(t, "", "quiet "+word)
		if n := strings.Join(notes(c), "\n"); !strings.Contains(n, want) || (want == "") != (n == "") || c.Problems != nil {
			t.Errorf("%s: notes %q, want %q; problems %q", word, n, want, problems(c))
		}
	}
	many := load(t, "", "systemd.log_level=debug systemd.show_status=1 rd.luks.uuid=a systemd.log_level=info luks.name=b")
	if got, want := notes(many), []string{"systemd.log_level, systemd.show_status: without effect: it is for systemd", "rd.luks.uuid, luks.name: without effect: no encrypted disk is opened here"}; !reflect.DeepEqual(got, want) {
		t.Errorf("of one reason: got %q, want %q", got, want)
	}
	c := load(t, "", "rd.neednet=1 rd.luks.uuid=x systemd.unit=rescue.target systemd.unit=x.target net.ifnames=0 net.ifnames=1 quiet root=/dev/vda systemd.machine_id=firmware")
	want := []string{
		"rd.luks.uuid: without effect: no encrypted disk is opened here",
		"systemd.unit: without effect: there are no units here; the release is what is started, and beaminit rescue stops it",
		"net.ifnames: without effect: interfaces keep the names that the kernel gives; want network.IFACE.mac",
		"systemd.machine_id: firmware: the id is made of the board's own numbers anyway",
	}
	if got := notes(c); !reflect.DeepEqual(got, want) || c.Problems != nil {
		t.Errorf("got %q, want %q; problems %q", got, want, problems(c))
	}
}
