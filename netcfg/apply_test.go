package netcfg

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
)

// ip runs ip(8).
func ip(t *testing.T, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", args, err, out)
	}
	return string(out)
}

// veth makes eth0 with the other end peer0. Both are down.
func veth(t *testing.T) {
	t.Helper()
	ip(t, "link add eth0 type veth peer name peer0")
}

// addresses lists what a link has, without IPv6's own fe80:: ones.
func addresses(t *testing.T, link string) (list []string) {
	t.Helper()
	var links []struct {
		AddrInfo []struct {
			Local     string
			Prefixlen int
			Tentative bool
		} `json:"addr_info"`
	}
	if err := json.Unmarshal([]byte(ip(t, "-j address show dev "+link)), &links); err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		for _, a := range l.AddrInfo {
			if strings.HasPrefix(a.Local, "fe80:") {
				continue
			}
			if a.Tentative {
				t.Errorf("%s on %s is tentative", a.Local, link)
			}
			list = append(list, a.Local+"/"+strconv.Itoa(a.Prefixlen))
		}
	}
	return list
}

// defaults lists the default routes of a family, as "gateway dev metric".
func defaults(t *testing.T, family string) (list []string) {
	t.Helper()
	var routes []struct {
		Dst, Gateway, Dev string
		Metric            json.Number
	}
	if err := json.Unmarshal([]byte(ip(t, "-j "+family+" route show default")), &routes); err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		list = append(list, strings.TrimSpace(r.Gateway+" "+r.Dev+" "+string(r.Metric)))
	}
	return list
}

func same(got []string, want ...string) bool {
	return strings.Join(got, ",") == strings.Join(want, ",")
}

// wantStates fails the test unless the links of s are in these states, and s
// has no error of the node as a whole.
func wantStates(t *testing.T, s Status, want ...State) {
	t.Helper()
	for _, err := range s.Errs {
		t.Errorf("error %v, want none", err)
	}
	if len(s.Links) != len(want) {
		t.Fatalf("got %d links, want %d: %+v", len(s.Links), len(want), s)
	}
	for i, l := range s.Links {
		if l.State != want[i] {
			t.Errorf("%s is %v %v, want %v", l.Name, l.State, l.Errs, want[i])
		}
		if l.State != Failed && l.Errs != nil {
			t.Errorf("%s: errors %v, want none", l.Name, l.Errs)
		}
	}
}

func TestApplyLo(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		s := Make("eclero6", nil).Apply()
		wantStates(t, s, Ready)
		if !s.Ready() || s.Waiting() {
			t.Errorf("Ready %v Waiting %v, want true false", s.Ready(), s.Waiting())
		}
		if got := addresses(t, "lo"); !same(got, "127.0.0.1/8", "::1/128") {
			t.Errorf("lo has %q", got)
		}
		if got, err := os.Hostname(); err != nil || got != "eclero6" {
			t.Errorf("hostname %q %v, want eclero6", got, err)
		}
	})
}

var usualPlan = Make("eclero6", []config.Network{{
	Interface: "eth0",
	Address:   prefixes("192.168.7.6/24", "fd00::6/64"),
	Gateway:   addrs("192.168.7.1", "fe80::1"),
	MTU:       1400,
}})

// wantUsual checks that the kernel has what usualPlan says.
func wantUsual(t *testing.T) {
	t.Helper()
	if got := addresses(t, "eth0"); !same(got, "192.168.7.6/24", "fd00::6/64") {
		t.Errorf("eth0 has %q", got)
	}
	if got := defaults(t, "-4"); !same(got, "192.168.7.1 eth0") {
		t.Errorf("IPv4 default routes %q", got)
	}
	if got := defaults(t, "-6"); !same(got, "fe80::1 eth0 1024") {
		t.Errorf("IPv6 default routes %q", got)
	}
	if got := ip(t, "link show eth0"); !strings.Contains(got, "mtu 1400") {
		t.Errorf("want mtu 1400: %s", got)
	}
}

func TestApplyTwice(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		veth(t)
		ip(t, "link set peer0 up")
		for i := 0; i < 2; i++ {
			wantStates(t, usualPlan.Apply(), Ready, Ready)
			wantUsual(t)
		}
		wantStates(t, usualPlan.Check(), Ready, Ready)
	})
}

// The kernel's ip= or somebody else was first: with the same address, with the
// same gateway, with another one.
func TestApplyAfterOthers(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		veth(t)
		ip(t, "link set peer0 up")
		ip(t, "link set eth0 up")
		ip(t, "address add 192.168.7.6/24 broadcast 192.168.7.255 dev eth0 valid_lft 1000 preferred_lft 1000")
		ip(t, "address add fd00::6/64 dev eth0 nodad")
		ip(t, "route add default via 192.168.7.1 dev eth0 proto boot")
		wantStates(t, usualPlan.Apply(), Ready, Ready)
		wantUsual(t)
		if got := ip(t, "-4 address show dev eth0"); !strings.Contains(got, "valid_lft forever") {
			t.Errorf("a lease of somebody else's is left: %s", got)
		}
		ip(t, "route replace default via 192.168.7.99 dev eth0")
		wantStates(t, usualPlan.Apply(), Ready, Ready)
		wantUsual(t)
	})
}

func TestApplyTwoGateways(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		veth(t)
		p := Make("", []config.Network{
			{Interface: "eth0", Address: prefixes("10.0.0.1/24", "fd00::6/64"), Gateway: addrs("10.0.0.254", "10.0.0.253", "fd00::1")},
			{Interface: "peer0", Address: prefixes("10.1.0.1/24", "fd01::6/64"), Gateway: addrs("10.1.0.254", "fd01::1")}})
		p.Apply()
		wantStates(t, p.Apply(), Ready, Ready, Ready)
		if got := defaults(t, "-4"); !same(got, "10.0.0.254 eth0", "10.0.0.253 eth0 1", "10.1.0.254 peer0 2") {
			t.Errorf("IPv4 default routes %q", got)
		}
		if got := defaults(t, "-6"); !same(got, "fd00::1 eth0 1024", "fd01::1 peer0 1025") {
			t.Errorf("IPv6 default routes %q", got)
		}
	})
}

// An interface that is absent hinders no other, and is configured when it comes.
func TestApplyAbsentThenLate(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		s := usualPlan.Apply()
		wantStates(t, s, Ready, Absent)
		if s.Ready() || !s.Waiting() {
			t.Errorf("Ready %v Waiting %v, want false true", s.Ready(), s.Waiting())
		}
		wantStates(t, usualPlan.Check(), ifUp(t, "lo"), Absent)
		w := watch(t)
		wantChange(t, w, false, 20*time.Millisecond)
		done := make(chan struct{})
		go func() {
			time.Sleep(30 * time.Millisecond)
			exec.Command("ip", strings.Fields("link add eth0 type veth peer name peer0")...).Run()
			exec.Command("ip", "link", "set", "peer0", "up").Run()
			close(done)
		}()
		wantChange(t, w, true, nstest.Patience)
		<-done
		wantStates(t, usualPlan.Apply(), Ready, Ready)
		wantUsual(t)
	})
}

// ifUp is Ready for a link that ip(8) shows with LOWER_UP.
func ifUp(t *testing.T, link string) State {
	if strings.Contains(ip(t, "link show "+link), "LOWER_UP") {
		return Ready
	}
	return NoCarrier
}

func TestApplyNoCarrierThenCarrier(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		veth(t)
		s := usualPlan.Apply()
		wantStates(t, s, Ready, NoCarrier)
		if s.Ready() || !s.Waiting() {
			t.Errorf("Ready %v Waiting %v, want false true", s.Ready(), s.Waiting())
		}
		wantUsual(t) // configured all the same
		w := watch(t)
		wantStates(t, usualPlan.Check(), Ready, NoCarrier)
		ip(t, "link set peer0 up")
		wantChange(t, w, true, nstest.Patience)
		wantStates(t, usualPlan.Check(), Ready, Ready)
		wantStates(t, usualPlan.Apply(), Ready, Ready)
		wantUsual(t)
		ip(t, "link set peer0 down")
		wantStates(t, usualPlan.Check(), Ready, NoCarrier)
	})
}

// What ip(8) shows after a plan with links of links, a match by address and routes. The
// kernel of a container may have no VLANs and no bonds; the lab's has.
func TestApplyMore(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		veth(t)
		ip(t, "link set eth0 address 02:00:5e:00:53:01")
		ip(t, "link add eth1 type veth peer name peer1")
		for _, peer := range []string{"peer0", "peer1"} {
			ip(t, "link set "+peer+" up")
		}
		p := Make("", []config.Network{
			{Interface: "uplink", MAC: "02:00:5e:00:53:01", Address: prefixes("10.0.0.1/24", "fd00::1/64"), Gateway: addrs("10.9.9.9", "fd09::1"),
				Route: []config.Route{{To: prefixes("10.8.0.0/16")[0], Via: addrs("10.0.0.9")[0], Metric: 100}, {To: prefixes("172.16.0.0/12")[0]}}},
			{Interface: "br0", Bridge: config.Bridge{Ports: []string{"eth1", "eth9"}, STP: true}, Address: prefixes("10.1.0.1/24")},
		})
		p.Apply()
		s := p.Apply() // nothing is changed by it
		if s.Links[1].Device != "eth0" || s.Links[2].Device != "br0" {
			t.Errorf("got %+v", s.Links)
		}
		wantStates(t, s, Ready, Ready, s.Links[2].State)
		if got := ip(t, "-4 route show dev eth0"); got != `default via 10.9.9.9 proto static onlink 
10.0.0.0/24 proto kernel scope link src 10.0.0.1 
10.8.0.0/16 via 10.0.0.9 proto static metric 100 
172.16.0.0/12 proto static scope link 
` {
			t.Errorf("routes\n%s", got)
		}
		if got := ip(t, "-6 route show default"); !strings.Contains(got, "via fd09::1 dev eth0") {
			t.Errorf("IPv6 routes %s", got)
		}
		if got := ip(t, "-d link show br0"); !strings.Contains(got, "stp_state 1") {
			t.Errorf("br0: %s", got)
		}
		if got := ip(t, "link show eth1"); !strings.Contains(got, "master br0") || !strings.Contains(got, "LOWER_UP") {
			t.Errorf("eth1: %s", got)
		}
		ip(t, "link set eth0 down")
		ip(t, "link set eth0 name lan0") // udev does that
		s = p.Apply()
		if s.Links[1].Device != "lan0" || s.Links[1].State != Ready {
			t.Errorf("after a new name: %+v", s.Links[1])
		}
		ip(t, "link add eth9 type veth peer name peer9") // a port that comes late
		p.Apply()
		if got := ip(t, "link show eth9"); !strings.Contains(got, "master br0") {
			t.Errorf("eth9: %s", got)
		}
	})
}
