package child

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/netcfg"
)

// The test binary is the child too, as beaminit is.
func TestMain(m *testing.M) {
	if os.Args[0] == netcfg.ChildName {
		os.Exit(Main(os.Args))
	}
	os.Exit(m.Run())
}

// patience is how long something may take on a loaded machine.
const patience = time.Minute

var eth0 = config.Network{Interface: "eth0", DHCP: true}

func TestDHCP(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		r := newRig(t, eth0)
		r.dnsmasq("10.50.0.100,10.50.0.100", "--dhcp-option=3,10.50.0.1", "--dhcp-option=6,10.50.0.2,10.50.0.3", "--dhcp-option=15,farm.lan", "--dhcp-option=42,10.50.0.4",
			"--dhcp-option=26,1400", "--dhcp-option=119,farm.lan,other.lan", "--dhcp-option-force=12,bird7")
		r.start()
		l := r.bound("10.50.0.100")
		got := strings.TrimSpace(fmt.Sprintln(l.Address, l.Server, l.Routers, l.Servers, l.Search, l.NTP, l.Hostname, l.Domain, l.MTU, l.Seconds))
		if want := "10.50.0.100/24 10.50.0.1 [10.50.0.1] [10.50.0.2 10.50.0.3] [farm.lan other.lan] [10.50.0.4] bird7 farm.lan 1400 120"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := r.sh("ip route"); !strings.HasPrefix(got, "default via 10.50.0.1 dev eth0 proto dhcp src 10.50.0.100 metric 101") {
			t.Errorf("routes %s", got)
		}
		if got := r.sh("ip address show eth0"); !strings.Contains(got, "mtu 1400") || strings.Contains(got, "forever preferred_lft forever\n    inet6") {
			t.Errorf("eth0: %s", got)
		}
	})
}

// A lease is renewed by its server, and by any other where that is gone; both servers are
// real ones.
func TestRenew(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		r := newRig(t, eth0)
		r.dhcpd(6, "10.50.0.50", "10.50.0.50", "option rfc3442 24,10,60,0, 10,50,0,9, 0, 10,50,0,1;")
		r.start()
		first := r.bound("10.50.0.50")
		for i := 0; i < 2; i++ {
			next := r.bound("10.50.0.50")
			if next.Since <= first.Since {
				t.Errorf("renewed at %d, before %d", next.Since, first.Since)
			}
			first = next
		}
		if got := r.sh("ip route"); !strings.Contains(got, "10.60.0.0/24 via 10.50.0.9 dev eth0 proto dhcp") || !strings.Contains(got, "default via 10.50.0.1") {
			t.Errorf("classless routes: %s", got)
		}
		r.unserve() // it is over after six seconds
		r.await("the end of the lease", func(l netcfg.LinkReport) bool { return l.Lease == nil && l.State == "no-address" })
		r.wantSaid("the lease of 10.50.0.50/24 is over, and no DHCP server renewed it")
		if got := r.sh("ip -4 address show dev eth0"); strings.Contains(got, "10.50.0.50") {
			t.Errorf("an address that is over is still there: %s", got)
		}
		r.dhcpd(600, "10.50.0.60", "10.50.0.60", "")
		r.bound("10.50.0.60")
	})
}

// A server that leases for a second is not asked without end, and the address is one that the
// kernel takes away by itself.
func TestShortLease(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		r := newRig(t, eth0)
		r.dhcpd(1, "10.50.0.50", "10.50.0.50", "")
		r.start()
		r.bound("10.50.0.50")
		const span = 3 * time.Second
		for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			if got := r.sh("ip -4 address show dev eth0"); strings.Contains(got, "forever") {
				t.Fatalf("the address of a lease of a second: %s", got)
			}
		}
		if n := strings.Count(r.log(), "DHCPREQUEST"); n < 2 || n > 12 {
			t.Errorf("the server was asked %d times in %v", n, span)
		}
	})
}

// The server does not know the address any more, and gives another.
func TestNak(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		r := newRig(t, eth0)
		r.dnsmasq("10.50.0.50,10.50.0.50", "--dhcp-option=option:T2,4") // and T1 before it
		r.start()
		r.bound("10.50.0.50")
		r.unserve()
		r.must(os.Remove(r.dir + "/dnsmasq.leases"))
		r.dnsmasq("10.50.0.70,10.50.0.70")
		r.bound("10.50.0.70")
		r.wantSaid("refused to renew 10.50.0.50")
		if got := r.sh("ip -4 address show dev eth0"); strings.Contains(got, "10.50.0.50") {
			t.Errorf("the old address is still there: %s", got)
		}
	})
}

// The child is killed again and again: the address stays, and so does the lease.
func TestKilled(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		r := newRig(t, eth0)
		r.dhcpd(600, "10.50.0.50", "10.50.0.99", "")
		r.start()
		first := r.bound("10.50.0.50")
		watch := exec.Command("ip", "-4", "monitor", "address")
		out, err := watch.StdoutPipe()
		r.must(err)
		r.must(watch.Start())
		for i := 0; i < 5; i++ {
			r.kill()
			if got := r.sh("ip -4 address show dev eth0; ip route"); !strings.Contains(got, "10.50.0.50/24") || !strings.Contains(got, "default via 10.50.0.1") {
				t.Fatalf("after kill -9: %s", got)
			}
			r.start()
			if l := r.bound("10.50.0.50"); l.Server != first.Server {
				t.Errorf("got %+v", l)
			}
		}
		r.unserve() // and with no server at all
		r.kill()
		r.start()
		r.bound("10.50.0.50")
		r.must(watch.Process.Kill())
		events, _ := io.ReadAll(out)
		watch.Wait()
		if strings.Contains(string(events), "Deleted") {
			t.Errorf("the address went away in between:\n%s", events)
		}
	})
}

// A link that changes while the child begins does not stop it.
func TestChangesAtTheStart(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		r := newRig(t, config.Network{Interface: "eth0", LinkLocal: true})
		batch := r.dir + "/batch"
		r.must(os.WriteFile(batch, []byte(strings.Repeat("link set lo mtu 1400\nlink set lo mtu 1500\n", 200_000)), 0o644))
		storm := exec.Command("ip", "-batch", batch)
		r.must(storm.Start())
		defer func() { storm.Process.Kill(); storm.Wait() }()
		for range 30 {
			r.start()
			r.await("a first report", func(netcfg.LinkReport) bool { return true })
			r.kill()
		}
	})
}

// A boot asks for the address of the boot before, and takes it where no server answers.
func TestInitReboot(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		r := newRig(t, eth0)
		r.dnsmasq("10.50.0.100,10.50.0.150")
		r.start()
		first := r.bound(strings.TrimSpace(r.anyAddress()))
		boot := func() {
			r.kill()
			r.sh("ip address flush dev eth0; ip link set eth0 down; rm /run/net/*")
			r.said = nil
			r.start()
		}
		asked := strings.Count(r.log(), "DHCPDISCOVER") // more than once, where an answer took its time
		boot()
		r.bound(first.Address.Addr().String())
		if log := r.log(); strings.Count(log, "DHCPDISCOVER") != asked {
			t.Errorf("want no DHCPDISCOVER but those of the first boot, %d: %s", asked, log)
		}
		r.unserve()
		boot()
		r.bound(first.Address.Addr().String())
		r.wantSaid("no DHCP server answers; " + first.Address.String() + " is used for the ")
		// Another network: its server says no.
		r.sh("rm " + r.dir + "/dnsmasq.leases; ip -n srv address flush dev srv0; ip -n srv address add 10.51.0.1/24 dev srv0")
		r.dnsmasq("10.51.0.100,10.51.0.100")
		boot()
		r.bound("10.51.0.100")
	})
}

// anyAddress waits for a lease, whatever its address.
func (r *rig) anyAddress() string {
	r.t.Helper()
	l := r.await("a lease", func(l netcfg.LinkReport) bool { return l.Lease != nil })
	r.lines <- r.again(l)
	return l.Lease.Address.Addr().String()
}

// again is a report of that link, to be read once more.
func (r *rig) again(l netcfg.LinkReport) string {
	text, err := json.Marshal(netcfg.Report{Links: []netcfg.LinkReport{l}})
	r.must(err)
	return string(text)
}

// An address of 169.254/16 that nobody has; the same at each boot, unless another machine has
// it by then.
func TestLinkLocal(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		r := newRig(t, config.Network{Interface: "eth0", LinkLocal: true})
		r.start()
		local := func() string {
			t.Helper()
			l := r.await("a link-local address", func(l netcfg.LinkReport) bool { return l.Local != "" })
			if l.State != "ready" || !strings.Contains(r.sh("ip -4 address show dev eth0"), "inet "+l.Local) {
				t.Errorf("%+v: %s", l, r.sh("ip -4 address show dev eth0"))
			}
			return l.Local
		}
		first := local()
		r.kill()
		r.sh("ip address flush dev eth0; ip -n srv address add " + first + " dev srv0")
		r.start()
		if second := local(); second == first {
			t.Errorf("took %s, which another machine has", first)
		}
		r.kill()
		r.sh("ip address flush dev eth0; ip -n srv address flush dev srv0")
		r.start()
		if third := local(); third != first {
			t.Errorf("got %s, want %s again", third, first)
		}
	})
}

// A link that comes late, is unplugged, plugged in again, renamed, and gone.
func TestReplug(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		static := eth0
		static.Address = netcfg.Make("", []config.Network{}).Links[0].Address
		r := newRig(t, eth0)
		r.sh("ip link set eth0 name late0")
		r.dhcpd(600, "10.50.0.50", "10.50.0.99", "")
		state := func(want string) {
			t.Helper()
			r.await("the state "+want, func(l netcfg.LinkReport) bool { return l.State == want })
		}
		r.start()
		state("absent")
		r.sh("ip link set late0 name eth0")
		r.bound("10.50.0.50")
		r.sh("ip -n srv link set srv0 down")
		state("no-carrier")
		r.sh("ip -n srv link set srv0 up")
		r.bound("10.50.0.50")
		r.sh("ip link set eth0 down")
		r.bound("10.50.0.50") // the child brings it up again
		r.sh("ip link delete eth0")
		state("absent")
		r.sh("ip link add eth0 type veth peer name srv0 netns srv; ip -n srv link set srv0 up; ip -n srv address add 10.50.0.1/24 dev srv0")
		r.dhcpd(600, "10.50.0.50", "10.50.0.99", "")
		r.bound(strings.TrimSpace(r.anyAddress()))
	})
}
