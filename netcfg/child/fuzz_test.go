package child

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"net/netip"
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

var plan = netcfg.Make("", []config.Network{{Interface: "eth0", DHCP: true}})

// FuzzReply: whatever a server sends, what comes of it is either refused here, or a lease
// that PID 1 takes.
func FuzzReply(f *testing.F) {
	ack, err := dhcpv4.New(dhcpv4.WithMessageType(dhcpv4.MessageTypeAck), dhcpv4.WithYourIP(net.IPv4(10, 0, 0, 9)),
		dhcpv4.WithServerIP(net.IPv4(10, 0, 0, 1)), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(10, 0, 0, 1))),
		dhcpv4.WithNetmask(net.CIDRMask(24, 32)), dhcpv4.WithRouter(net.IPv4(10, 0, 0, 1)), dhcpv4.WithDNS(net.IPv4(10, 0, 0, 2)),
		dhcpv4.WithLeaseTime(3600), dhcpv4.WithOption(dhcpv4.OptHostName("bird7")), dhcpv4.WithDomainSearchList("farm.lan", "lan"),
		dhcpv4.WithOption(dhcpv4.OptClasslessStaticRoute(&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4(10, 8, 0, 0), Mask: net.CIDRMask(16, 32)}, Router: net.IPv4(10, 0, 0, 3)})))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ack.ToBytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, packet []byte) {
		msg, err := dhcpv4.FromBytes(packet)
		if err != nil {
			return
		}
		lease, say, err := leaseOf(msg)
		if err != nil {
			return
		}
		if len(say) > 2*most+4 {
			t.Errorf("%d lines of one packet", len(say))
		}
		text, err := json.Marshal(netcfg.Report{Links: []netcfg.LinkReport{{Name: "eth0", Device: "eth0", State: "ready", Lease: &lease}}, Say: say[:min(len(say), most)]})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.ParseReport(text); err != nil {
			t.Errorf("PID 1 refuses what the child took: %v\n%s", err, text)
		}
	})
}

// FuzzLeaseFile: what is read of a file is a lease that holds, or nothing.
func FuzzLeaseFile(f *testing.F) {
	f.Add([]byte(`{"Address":"10.0.0.9/24","Server":"10.0.0.1","Seconds":3600,"Renew":1800,"Rebind":3000,"Since":1,"Boot":"x","Until":"2100-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"Address":"","Seconds":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var l netcfg.Lease
		if json.Unmarshal(text, &l) != nil {
			return
		}
		if v := valid(&l); v != nil {
			if err := v.Check(); err != nil || left(v) <= 0 {
				t.Errorf("%v, %v left of %s", err, left(v), text)
			}
		}
	})
}

// useropt is a struct nduseroptmsg with options behind it.
func useropt(options ...byte) []byte {
	b := make([]byte, sizeofNDUserOpt)
	b[0], b[8] = unix.AF_INET6, routerAdvert
	binary.NativeEndian.PutUint16(b[2:], uint16(len(options)))
	binary.NativeEndian.PutUint32(b[4:], 2)
	return append(b, options...)
}

func FuzzAdvert(f *testing.F) {
	server := netip.MustParseAddr("fd00::53").As16()
	f.Add(useropt(append([]byte{optRDNSS, 3, 0, 0, 0, 0, 0, 60}, server[:]...)...))
	multicast := netip.MustParseAddr("ff02::fb").As16()
	f.Add(useropt(append([]byte{optRDNSS, 3, 0, 0, 0, 0, 0, 60}, multicast[:]...)...))
	f.Add(useropt(optDNSSL, 3, 0, 0, 0, 0, 0, 60, 4, 'f', 'a', 'r', 'm', 3, 'l', 'a', 'n', 0, 0, 0, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d advertised
		for _, a := range parseAdvert(b) {
			d.add(a)
		}
		dns := d.all("eth0")
		if dns == nil {
			return
		}
		text, err := json.Marshal(netcfg.Report{Links: []netcfg.LinkReport{{Name: "eth0", State: "ready", RA: dns}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.ParseReport(text); err != nil {
			t.Errorf("PID 1 refuses what the child took: %v\n%s", err, text)
		}
	})
}

func FuzzARP(f *testing.F) {
	f.Add(arp{op: arpRequest, sender: netip.IPv4Unspecified(), target: netip.MustParseAddr("169.254.7.7")}.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, ok := parseARP(b); ok && string(a.bytes()) != string(b[:sizeofARP]) {
			t.Errorf("%x is read as %+v", b, a)
		}
	})
}

func TestParseAdvert(t *testing.T) {
	server := netip.MustParseAddr("fe80::53").As16()
	b := useropt(append(append([]byte{optRDNSS, 3, 0, 0, 0, 0, 0, 60}, server[:]...),
		optDNSSL, 3, 0, 0, 0, 0, 0, 60, 4, 'f', 'a', 'r', 'm', 3, 'l', 'a', 'n', 0, 2, '*', '!', 0, 0, 0)...)
	list := parseAdvert(b)
	if len(list) != 2 || list[0].index != 2 {
		t.Fatalf("got %+v", list)
	}
	var d advertised
	for _, a := range list {
		d.add(a)
	}
	got := d.all("eth0")
	if got == nil || len(got.Servers) != 1 || got.Servers[0].String() != "fe80::53%eth0" || len(got.Search) != 1 || got.Search[0] != "farm.lan" {
		t.Errorf("got %+v", got)
	}
	d.add(advert{servers: list[0].servers})
	d.add(advert{search: []string{"farm.lan"}})
	if got := d.all("eth0"); got != nil {
		t.Errorf("with lifetime 0: %+v", got)
	}
}
