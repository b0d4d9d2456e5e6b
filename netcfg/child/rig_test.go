package child

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/netcfg"
	"golang.org/x/sys/unix"
)

// rig is a node with eth0, and a server at the other end of its cable, in a network
// namespace of its own.
type rig struct {
	t       *testing.T
	dir     string
	plan    netcfg.Plan
	orders  netcfg.Orders
	cmd     *exec.Cmd
	lines   chan string
	server  *exec.Cmd
	said    []string
	reports int
}

func newRig(t *testing.T, nets ...config.Network) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), plan: netcfg.Make("", nets)}
	r.must(unix.Mount("tmpfs", "/run", "tmpfs", 0, ""))
	r.orders = netcfg.Orders{Plan: r.plan, RunDir: "/run/net", StateDir: "/run/leases"} // the child trusts no path through /tmp, which everybody can write to
	for _, dir := range []string{r.orders.RunDir, r.orders.StateDir} {
		r.must(os.MkdirAll(dir, 0o755))
	}
	r.must(os.Chown(r.orders.StateDir, 65534, 65534))
	r.sh("ip link set lo up; ip netns add srv; ip link add eth0 type veth peer name srv0 netns srv; ip -n srv link set lo up; ip -n srv link set srv0 up; ip -n srv address add 10.50.0.1/24 dev srv0")
	t.Cleanup(r.stop)
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) sh(script string) string {
	r.t.Helper()
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func (r *rig) stop() {
	for _, c := range []*exec.Cmd{r.cmd, r.server} {
		if c != nil {
			c.Process.Kill()
			c.Wait()
		}
	}
}

// start starts the child, as PID 1 does: nobody with three capabilities.
func (r *rig) start() {
	r.t.Helper()
	orders, err := json.Marshal(r.orders)
	r.must(err)
	r.cmd = exec.Command("/proc/self/exe")
	r.cmd.Args = []string{netcfg.ChildName, string(orders)}
	r.cmd.Stderr = os.Stderr
	r.cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: 65534, Gid: 65534},
		AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BIND_SERVICE},
	}
	in, out, err := os.Pipe()
	r.must(err)
	hold, err := r.cmd.StdinPipe()
	r.must(err)
	r.t.Cleanup(func() { hold.Close() })
	r.cmd.Stdout = out
	r.must(r.cmd.Start())
	out.Close()
	r.lines = make(chan string, 1000)
	go func(to chan<- string) {
		defer close(to)
		s := bufio.NewScanner(in)
		s.Buffer(nil, netcfg.MaxReport)
		for s.Scan() {
			to <- s.Text()
		}
	}(r.lines)
}

// kill ends the child as it may be ended at any time, and keeps what it reported, as PID 1
// does.
func (r *rig) kill() {
	r.cmd.Process.Kill()
	r.cmd.Wait()
	r.cmd = nil
}

// await reads reports until one is as wanted.
func (r *rig) await(what string, ok func(l netcfg.LinkReport) bool) netcfg.LinkReport {
	r.t.Helper()
	timeout := time.After(patience)
	var last string
	for {
		select {
		case line, open := <-r.lines:
			if !open {
				r.t.Fatalf("%s: the child ended\n%s", what, last)
			}
			last = line
			report, err := r.plan.ParseReport([]byte(line))
			r.must(err)
			r.reports++
			r.said = append(r.said, report.Say...)
			for _, l := range report.Links {
				text, err := json.Marshal(l)
				r.must(err)
				r.must(os.WriteFile("/run/net/"+l.Name+".json", text, 0o644))
				if l.Name == "eth0" && ok(l) {
					return l
				}
			}
		case <-timeout:
			r.t.Fatalf("%s: not within %v; the last report is\n%s\nsaid %q\nserver %s\n%s", what, patience, last, r.said, r.log(), r.sh("ip address; ip route"))
		}
	}
}

// bound waits for a lease of an address on a link that is ready: one that was unplugged
// keeps its lease, and is reported so before it has its carrier again.
func (r *rig) bound(address string) *netcfg.Lease {
	r.t.Helper()
	l := r.await("a lease of "+address, func(l netcfg.LinkReport) bool {
		return l.State == "ready" && l.Lease != nil && l.Lease.Address.Addr().String() == address
	})
	if got := r.sh("ip -4 address show dev eth0"); !strings.Contains(got, "inet "+address+"/") {
		r.t.Errorf("eth0 has not %s: %s", address, got)
	}
	return l.Lease
}

// wantSaid waits until the child has said a line with these words.
func (r *rig) wantSaid(words string) {
	r.t.Helper()
	has := func() bool { return strings.Contains(strings.Join(r.said, "\n"), words) }
	if !has() {
		r.await("the words "+words, func(netcfg.LinkReport) bool { return has() })
	}
}

func (r *rig) log() string {
	text, _ := os.ReadFile(r.dir + "/server.log")
	return string(text)
}

// serve starts a server, in the place of the one before.
func (r *rig) serve(name string, args ...string) {
	r.t.Helper()
	r.unserve()
	log, err := os.OpenFile(r.dir+"/server.log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	r.must(err)
	defer log.Close()
	r.server = exec.Command("ip", append([]string{"netns", "exec", "srv", name}, args...)...)
	r.server.Stdout, r.server.Stderr = log, log
	r.must(r.server.Start())
}

func (r *rig) unserve() {
	if r.server != nil {
		r.server.Process.Kill()
		r.server.Wait()
		r.server = nil
	}
}

// dnsmasq is Debian's, with short times; it does not lease for less than two minutes.
func (r *rig) dnsmasq(pool string, more ...string) {
	r.t.Helper()
	r.serve("dnsmasq", append([]string{"-k", "-d", "-C", "/dev/null", "-R", "-h", "-p", "0", "--log-dhcp", "-u", "root", "-i", "srv0", "--dhcp-authoritative",
		"--dhcp-leasefile=" + r.dir + "/dnsmasq.leases", "--dhcp-range=" + pool + ",2m", "--no-ping"}, more...)...)
}

// dhcpd is ISC's, which leases for seconds.
func (r *rig) dhcpd(seconds int, first, last string, more string) {
	r.t.Helper()
	conf := fmt.Sprintf("option rfc3442 code 121 = array of unsigned integer 8; authoritative; default-lease-time %[1]d; max-lease-time %[1]d; min-lease-time %[1]d; ping-check false;\nsubnet 10.50.0.0 netmask 255.255.255.0 { range %s %s; option routers 10.50.0.1; %s }\n", seconds, first, last, more)
	r.must(os.WriteFile(r.dir+"/dhcpd.conf", []byte(conf), 0o644))
	f, err := os.OpenFile(r.dir+"/dhcpd.leases", os.O_CREATE|os.O_WRONLY, 0o644)
	r.must(err)
	f.Close()
	os.Remove(r.dir + "/dhcpd.pid")
	r.serve("dhcpd", "-4", "-f", "-d", "-cf", r.dir+"/dhcpd.conf", "-lf", r.dir+"/dhcpd.leases", "-pf", r.dir+"/dhcpd.pid", "srv0")
}
