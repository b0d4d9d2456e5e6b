package child

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/net/dns/dnsmessage"
)

// serveDNS starts a real server on 127.0.0.1 and gives the resolv.conf that names it, after
// one that is not there.
func serveDNS(t *testing.T, args ...string) (conf string, end func()) {
	t.Helper()
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	server := exec.Command("dnsmasq", append([]string{"-k", "-C", "/dev/null", "-R", "-h", "--bind-interfaces", "-a", "127.0.0.1", "-x", "", "-u", "root", "--local-ttl=7"}, args...)...)
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() { server.Process.Kill(); server.Wait() }
	t.Cleanup(end)
	nstest.Await(t, "dnsmasq answers", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:53")
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, nil)
	conf = filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(conf, []byte("# written by beaminit\nnameserver 127.0.0.2\nnameserver 127.0.0.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return conf, end
}

// What a real server answers becomes peers: by SRV records with and without addresses beside
// them, by addresses with names, more than fit into a datagram, or none.
func TestDNS(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		args := []string{"--host-record=n2.farm.lan,10.0.0.2,fd00::2", "--host-record=n3.farm.lan,10.0.0.3", "--host-record=n6.farm.lan,fd00::6",
			"--srv-host=_erlang._tcp.farm.lan,n2.farm.lan,17012", "--srv-host=_erlang._tcp.farm.lan,n3.farm.lan,17013", "--srv-host=_erlang._tcp.farm.lan,nowhere.farm.lan,17012",
			"--srv-host=_erlang._tcp.farm.lan,n6.farm.lan,17012", "--srv-host=_none._tcp.farm.lan",
			"--host-record=all.farm.lan,10.0.0.9", "--host-record=n9.farm.lan,10.0.0.9", "--cname=alias.farm.lan,n3.farm.lan", "--auth-ttl=7", "--local=/farm.lan/"}
		for i := range 60 {
			args = append(args, fmt.Sprintf("--srv-host=_many._tcp.farm.lan,m%d.a-rather-long-domain.farm.lan,17012", i), fmt.Sprintf("--host-record=m%d.a-rather-long-domain.farm.lan,10.0.1.%d", i, i+1))
		}
		conf, end := serveDNS(t, args...)
		tests := []struct {
			name  string
			ipv6  bool
			want  string
			ports string
			err   string
		}{
			{"_erlang._tcp.farm.lan", false, "n2.farm.lan at 10.0.0.2 by dns, n3.farm.lan at 10.0.0.3 by dns, n6.farm.lan at fd00::6 by dns", "17012 17013 17012", ""},
			{"_erlang._tcp.farm.lan", true, "n2.farm.lan at fd00::2 by dns, n3.farm.lan at 10.0.0.3 by dns, n6.farm.lan at fd00::6 by dns", "17012 17013 17012", ""},
			{"n2.farm.lan", false, "n2.farm.lan at 10.0.0.2 by dns", "0", ""},
			{"alias.farm.lan", false, "n3.farm.lan at 10.0.0.3 by dns", "0", ""},
			{"nobody.farm.lan", false, "", "", "no such records"},
			{"_nobody._tcp.farm.lan", false, "", "", "no such records"},
			{"elsewhere.org", false, "", "", "answers Refused"},
		}
		for _, tt := range tests {
			l := lookup{resolver: &resolver{conf, 53}, limit: 64, ipv6: tt.ipv6, ttl: longestTTL}
			peers, err := l.peers(tt.name)
			var names, ports []string
			for i := range peers {
				names, ports = append(names, peers[i].String()), append(ports, fmt.Sprint(peers[i].Port))
			}
			sortBoth(names, ports)
			if got := strings.Join(names, ", "); got != tt.want || strings.Join(ports, " ") != tt.ports || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s, IPv6 %v: %s (%v), %v\nwant %s (%s), %s", tt.name, tt.ipv6, got, ports, err, tt.want, tt.ports, tt.err)
			}
			if err == nil && l.ttl > 7*time.Second {
				t.Errorf("%s: holds for %v, want 7s", tt.name, l.ttl)
			}
		}
		for _, limit := range []int{1000, 5} {
			l := lookup{resolver: &resolver{conf, 53}, limit: limit, ttl: longestTTL}
			if peers, err := l.peers("_many._tcp.farm.lan"); len(peers) != min(limit, 60) || err != nil {
				t.Errorf("by TCP: %d peers of 60, limit %d: %v", len(peers), limit, err)
			}
		}
		end()
		l := lookup{resolver: &resolver{conf, 53}, limit: 64, ttl: longestTTL}
		if _, err := l.peers("_erlang._tcp.farm.lan"); err == nil || errors.Is(err, errNone) {
			t.Errorf("without a server: %v", err)
		}
	})
}

func sortBoth(names, with []string) {
	for i := range names {
		for j := i + 1; j < len(names); j++ {
			if names[j] < names[i] {
				names[i], names[j], with[i], with[j] = names[j], names[i], with[j], with[i]
			}
		}
	}
}

// A server that comes late is asked as soon as it is known, its answer when the TTL is over
// again; while it is away nobody goes.
func TestWatchDNS(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		hosts := filepath.Join(t.TempDir(), "hosts")
		conf, end := serveDNS(t, "--srv-host=_erlang._tcp.farm.lan,n2.farm.lan,17012", "--addn-hosts="+hosts)
		known, err := os.ReadFile(conf)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{conf: "", hosts: "10.0.0.2 n2.farm.lan\n"} {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		end()
		serveDNS(t, "--srv-host=_erlang._tcp.farm.lan,n2.farm.lan,17012", "--addn-hosts="+hosts)
		all := make(chan news)
		go watchDNS(&discovery.Orders{DNS: "_erlang._tcp.farm.lan.", Limit: 4, Resolv: conf}, 53, all)
		next := func() news {
			t.Helper()
			select {
			case n := <-all:
				return n
			case <-time.After(nstest.Patience):
				t.Fatal("nothing is said")
			}
			return news{}
		}
		if n := next(); !n.only || len(n.say) != 1 || !strings.Contains(n.say[0], "no name server is known") {
			t.Errorf("%+v", n)
		}
		if err := os.WriteFile(conf, known, 0o644); err != nil {
			t.Fatal(err)
		}
		n := next()
		for n.only {
			n = next()
		}
		if len(n.peers) != 1 || n.peers[0].String() != "n2.farm.lan at 10.0.0.2 by dns" {
			t.Errorf("%+v", n)
		}
		if n = next(); len(n.peers) != 1 || n.only {
			t.Errorf("after the TTL: %+v", n)
		}
	})
}

// Answers that are none to the question, whoever sends them, are passed over: other ids,
// other names, queries, garbage. Records that belong to other names are no answer.
func TestStrayAnswers(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		b := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			var q dnsmessage.Message
			if q.Unpack(b[:n]) != nil {
				return
			}
			a := func(name string, last byte) dnsmessage.Resource {
				return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.AResource{A: [4]byte{10, 0, 0, last}}}
			}
			send := func(change func(m *dnsmessage.Message)) {
				m := q
				m.Response = true
				m.Answers = []dnsmessage.Resource{a("x.lan.", 66)}
				change(&m)
				text, _ := m.Pack()
				conn.WriteTo(text, from)
			}
			send(func(m *dnsmessage.Message) { m.ID++ })
			send(func(m *dnsmessage.Message) { m.Response = false })
			send(func(m *dnsmessage.Message) { m.OpCode = 4 })
			send(func(m *dnsmessage.Message) {
				m.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName("y.lan."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}
			})
			send(func(m *dnsmessage.Message) { m.Questions = nil })
			conn.WriteTo([]byte("garbage"), from)
			send(func(m *dnsmessage.Message) { m.Answers = []dnsmessage.Resource{a("evil.lan.", 66), a("X.lan.", 1)} })
		}
	}()
	at := netip.MustParseAddrPort(conn.LocalAddr().String())
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(conf, []byte("nameserver "+at.Addr().String()+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := resolver{conf, at.Port()}
	found, _, err := r.ask("x.lan", dnsmessage.TypeA)
	if err != nil || len(found) != 1 || found[0].addr.String() != "10.0.0.1" {
		t.Errorf("%+v, %v", found, err)
	}
}

func FuzzParseMessage(f *testing.F) {
	name := dnsmessage.MustNewName("_erlang._tcp.local.")
	h := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 60}
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeSRV, Class: dnsmessage.ClassINET}}, Answers: []dnsmessage.Resource{
		{Header: h, Body: &dnsmessage.SRVResource{Target: name, Port: 5}}, {Header: h, Body: &dnsmessage.PTRResource{PTR: name}}, {Header: h, Body: &dnsmessage.CNAMEResource{CNAME: name}},
		{Header: h, Body: &dnsmessage.AResource{A: [4]byte{10, 0, 0, 1}}}}, Additionals: []dnsmessage.Resource{{Header: h, Body: &dnsmessage.TXTResource{TXT: []string{"a=b", ""}}}, {Header: h, Body: &dnsmessage.AAAAResource{}}}}
	text, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b)
		if err != nil {
			return
		}
		if len(m.records) > 2*maxRecords {
			t.Errorf("%d records of %d bytes", len(m.records), len(b))
		}
		for i := range m.records {
			if a := choose([]netip.Addr{m.records[i].addr}, false); a.IsValid() && !config.HostAddress(a) {
				t.Errorf("%s is no address", a)
			}
			m.answers(m.records[i].name, m.records[i].kind)
		}
	})
}
