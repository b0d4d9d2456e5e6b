package hostsgen

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
)

func peer(name, address string, aliases ...string) config.Peer {
	return config.Peer{Name: name, Address: netip.MustParseAddr(address), Aliases: aliases}
}

// hostsOf is the text alone, with the domain that the node takes: the host name's own, or
// the first of dns.search.
func hostsOf(hostname string, own netip.Addr, peers []config.Peer, search []string, image string) string {
	_, domain, _ := strings.Cut(hostname, ".")
	if domain == "" && len(search) > 0 {
		domain = search[0]
	}
	text, _ := Hosts(HostsInput{Hostname: hostname, Domain: domain, Own: own, Peers: peers, Image: []byte(image)})
	return string(text)
}

const head = `# written by beaminit from [peers]
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
`

func TestLookup(t *testing.T) {
	const file = "127.0.0.1 localhost n1\n# 10.0.0.9 n1\nn1 10.0.0.8\n::1 n1\n10.0.0.7 other.lan N1 # mine\n10.0.0.6 n1\n"
	for name, want := range map[string]string{"n1": "10.0.0.7", "other.lan": "10.0.0.7", "other": "invalid IP", "localhost": "invalid IP", "": "invalid IP"} {
		if got := Lookup([]byte(file), name); got.String() != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestHosts(t *testing.T) {
	three := []config.Peer{peer("eclero6", "192.168.7.6"), peer("eclero8", "192.168.7.8"), peer("eclero10", "192.168.7.10", "ten")}
	tests := []struct {
		name     string
		hostname string
		own      string
		peers    []config.Peer
		search   []string
		want     string
	}{
		{"three peers", "eclero6", "", three, nil, `192.168.7.6 eclero6
192.168.7.8 eclero8
192.168.7.10 eclero10 ten
`},
		{"domain of dns.search", "eclero6", "", three, []string{"lan", "farm.local"}, `192.168.7.6 eclero6.lan eclero6
192.168.7.8 eclero8.lan eclero8
192.168.7.10 eclero10.lan eclero10 ten
`},
		{"domain of the host name before dns.search", "eclero6.farm.local", "10.0.0.1", three, []string{"lan"}, `192.168.7.6 eclero6.farm.local eclero6
192.168.7.8 eclero8.farm.local eclero8
192.168.7.10 eclero10.farm.local eclero10 ten
`},
		{"peers with dots", "n1", "10.0.0.1", []config.Peer{peer("n1.a.org", "10.0.0.1"), peer("n2.b.org", "10.0.0.2")}, []string{"lan"},
			`10.0.0.1 n1.a.org n1
10.0.0.2 n2.b.org n2
`},
		{"not among the peers", "eclero7", "192.168.7.7", three[:1], []string{"lan"}, `192.168.7.6 eclero6.lan eclero6
192.168.7.7 eclero7.lan eclero7
`},
		{"not among the peers, other domain", "eclero6.farm.local", "192.168.7.7", []config.Peer{peer("eclero6.lan", "192.168.7.6")}, nil,
			`192.168.7.6 eclero6.lan eclero6
192.168.7.7 eclero6.farm.local
`},
		{"no address at all", "eclero7", "", nil, []string{"lan"}, "127.0.0.1 eclero7.lan eclero7 localhost\n"},
		{"host name is an alias", "ten", "10.0.0.1", three[2:], nil, "192.168.7.10 eclero10 ten\n"},
		{"no host name", "", "10.0.0.1", nil, nil, ""},
		{"host name localhost", "localhost", "10.0.0.1", nil, nil, ""},
		{"IPv6", "a", "", []config.Peer{peer("a", "fd00::6"), peer("b", "fe80::1%eth0"), peer("c", "::ffff:10.0.0.3")}, nil,
			"fd00::6 a\nfe80::1 b\n10.0.0.3 c\n"},
		{"a name counts once, an alias may be shared", "a", "", []config.Peer{peer("a", "10.0.0.1", "A", "x", "x"), peer("b", "10.0.0.2", "x", "y", "localhost"), peer("A", "10.0.0.3")}, nil,
			"10.0.0.1 a x\n10.0.0.2 b x y\n"},
		{"a Name before an alias and a short name", "q", "10.0.0.9", []config.Peer{
			peer("a", "10.0.0.1", "b"), peer("c.lan", "10.0.0.2"), peer("c", "10.0.0.4"), peer("b", "10.0.0.3")}, nil,
			"10.0.0.1 a\n10.0.0.2 c.lan\n10.0.0.4 c\n10.0.0.3 b\n10.0.0.9 q\n"},
		{"unfit names, no address", "a b", "10.0.0.9", []config.Peer{
			peer("x\ny", "10.0.0.1", "ok", "#no", ""), {Name: "nowhere"}}, nil, "10.0.0.1 ok\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var own netip.Addr
			if tt.own != "" {
				own = netip.MustParseAddr(tt.own)
			}
			got := hostsOf(tt.hostname, own, tt.peers, tt.search, "")
			if want := head + tt.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// What was found comes last and changes no name that the node, a peer or the image has. What
// Hosts made is read back without it.
func TestHostsFound(t *testing.T) {
	in := HostsInput{Hostname: "n1", Domain: "lan", Own: netip.MustParseAddr("10.0.0.1"), Peers: []config.Peer{peer("n2", "10.0.0.2", "two")}, Image: []byte("10.0.0.9 ntp.lan ntp\n"),
		Found: []config.Peer{peer("n3", "10.0.0.3"), peer("ntp", "6.6.6.6"), peer("n2.evil", "6.6.6.6"), peer("localhost", "6.6.6.6"), peer("n1", "6.6.6.6"), peer("n4", "10.0.0.4", "two", "web"), peer("n5", "10.0.0.5", "web")}}
	text, notes := Hosts(in)
	want := head + `10.0.0.2 n2.lan n2 two
10.0.0.1 n1.lan n1
` + imageHead + "10.0.0.9 ntp.lan ntp\n" + foundHead + `10.0.0.3 n3.lan n3
6.6.6.6 n2.evil
10.0.0.4 n4.lan n4 web
10.0.0.5 n5.lan n5 web
`
	if string(text) != want || len(notes) > 0 {
		t.Errorf("got\n%s%v\nwant\n%s", text, notes, want)
	}
	in.Image, in.Found = text, nil
	if again, _ := Hosts(in); string(again) != want[:strings.Index(want, foundHead)] {
		t.Errorf("read back:\n%s", again)
	}
}

// lookup reads a hosts file as hosts(5) has it: the first line with a name counts.
func lookup(t *testing.T, text string) map[string]netip.Addr {
	t.Helper()
	m := make(map[string]netip.Addr)
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		a, err := netip.ParseAddr(f[0])
		if err != nil || len(f) < 2 {
			t.Fatalf("bad line %q in\n%s", line, text)
		}
		for _, n := range f[1:] {
			n = strings.ToLower(n)
			if _, ok := m[n]; !ok {
				m[n] = a
			}
		}
	}
	return m
}

// label makes a valid host name of anything.
func label(s string) string {
	b := []byte("h")
	for i := 0; i < len(s) && i < 40; i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-':
			b = append(b, c)
		case c == '.' && b[len(b)-1] != '.':
			b = append(b, '.', 'h')
		}
	}
	return string(b)
}

func FuzzHosts(f *testing.F) {
	f.Add("eclero6", "lan", "eclero6,eclero8 ,eclero10 ten", uint32(0xc0a80706), "127.0.0.1 localhost\n127.0.1.1 eclero6\n10.9.9.9 ten x # y\n")
	f.Add("n1.farm.local", "", "n1,n2.other.org n2,n2", uint32(1), hostsHead+imageHead+"1.2.3.4 q\n")
	f.Add("x", "a.b", "a b c,b,c a.b", uint32(0xfffffff0), "x\ny z\n::1 localhost")
	f.Fuzz(func(t *testing.T, hostname, domain, table string, base uint32, image string) {
		hostname = label(hostname)
		var search []string
		if domain != "" {
			search = []string{label(domain)}
		}
		var peers []config.Peer
		names := make(map[string]netip.Addr)
		for i, entry := range strings.Split(table, ",") {
			if i == 20 {
				break
			}
			words := strings.Split(entry, " ")
			p := config.Peer{Name: label(words[0])}
			n := base + uint32(i)
			p.Address = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
			if i%3 == 2 {
				p.Address = netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i)})
			}
			for _, a := range words[1:] {
				p.Aliases = append(p.Aliases, label(a))
			}
			key := strings.ToLower(p.Name)
			if _, twice := names[key]; twice {
				continue // config lets none of these through
			}
			names[key] = p.Address
			peers = append(peers, p)
		}
		own := netip.MustParseAddr("203.0.113.9")
		text := hostsOf(hostname, own, peers, search, image)
		got := lookup(t, text)
		for name, want := range names {
			// The full name of an earlier peer may be the Name of this one.
			if full := fullNameOf(name, hostname, search, peers); full {
				continue
			}
			if got[name] != want {
				t.Errorf("%s is %v, want %v in\n%s", name, got[name], want, text)
			}
		}
		if !got[strings.ToLower(hostname)].IsValid() {
			t.Errorf("%s does not resolve in\n%s", hostname, text)
		}
		for _, p := range peers {
			for _, a := range p.Aliases {
				if !got[strings.ToLower(a)].IsValid() {
					t.Errorf("alias %s does not resolve in\n%s", a, text)
				}
			}
		}
		if strings.Contains(text, "127.0.1.1") && base>>8 != 0x7f0001 {
			t.Errorf("127.0.1.1 in\n%s", text)
		}
		if got["localhost"] != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("localhost is %v in\n%s", got["localhost"], text)
		}
	})
}

// fullNameOf says whether name is what the domain makes of the short name of a peer.
func fullNameOf(name, hostname string, search []string, peers []config.Peer) bool {
	_, domain, _ := strings.Cut(hostname, ".")
	if domain == "" && len(search) > 0 {
		domain = search[0]
	}
	for _, p := range peers {
		if !strings.Contains(p.Name, ".") && strings.EqualFold(p.Name+"."+domain, name) {
			return true
		}
	}
	return false
}

func TestInetrc(t *testing.T) {
	tests := []struct{ hosts, resolv, want string }{
		{"/run/beaminit/hosts", "/run/beaminit/resolv.conf",
			"{lookup,[file,dns]}.\n{hosts_file,\"/run/beaminit/hosts\"}.\n{resolv_conf,\"/run/beaminit/resolv.conf\"}.\n"},
		{`/a"b\c`, "/r", "{lookup,[file,dns]}.\n{hosts_file,\"/a\\\"b\\\\c\"}.\n{resolv_conf,\"/r\"}.\n"},
	}
	for _, tt := range tests {
		if got, want := string(Inetrc(tt.hosts, tt.resolv)), "%% written by beaminit\n"+tt.want; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func ExampleHosts() {
	text, _ := Hosts(HostsInput{Hostname: "eclero6", Domain: "lan", Peers: []config.Peer{peer("eclero6", "192.168.7.6")}})
	fmt.Print(string(text))
	// Output:
	// # written by beaminit from [peers]
	// 127.0.0.1 localhost
	// ::1 localhost ip6-localhost ip6-loopback
	// 192.168.7.6 eclero6.lan eclero6
}

// What the image's own file says is kept where it is new.
func TestHostsOfImage(t *testing.T) {
	in := HostsInput{Hostname: "eclero6", Domain: "lan", Peers: []config.Peer{peer("eclero6", "192.168.7.6", "six")}, Image: []byte(`# Debian's
127.0.0.1	localhost localhost.localdomain
127.0.1.1	eclero6 debian
::1	localhost ip6-localhost ip6-loopback
ff02::1	ip6-allnodes
10.0.0.9	printer SIX	# in the hall
192.168.7.6	six gate
nonsense
10.0.0.10
`)}
	const want = head + `192.168.7.6 eclero6.lan eclero6 six
# from the image's own /etc/hosts
127.0.0.1 localhost.localdomain localhost
ff02::1 ip6-allnodes
10.0.0.9 printer
192.168.7.6 gate
`
	wantNotes := []string{
		"the image's /etc/hosts, line 6, has 10.0.0.9 for SIX, which is 192.168.7.6 here; that counts",
		`the image's /etc/hosts, line 8, "nonsense": want an address and names; it is not used`,
		`the image's /etc/hosts, line 9, "10.0.0.10": want an address and names; it is not used`,
	}
	text, notes := Hosts(in)
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if got := strings.Join(notes, "\n"); got != strings.Join(wantNotes, "\n") {
		t.Errorf("notes\n%s\nwant\n%s", got, strings.Join(wantNotes, "\n"))
	}
	in.Image = text // a later PID 1 finds it in the place of the image's
	if again, notes := Hosts(in); string(again) != want || notes != nil {
		t.Errorf("made of its own text: %q\n%s", notes, again)
	}
	in.Peers, in.Image = nil, []byte("10.0.0.6 eclero6\n")
	text, _ = Hosts(in)
	if want := head + imageHead + "10.0.0.6 eclero6\n"; string(text) != want {
		t.Errorf("the image knows the node's address, and beaminit does not: got\n%s\nwant\n%s", text, want)
	}
}

// A cluster of any size is no work for a boot.
func TestHostsOfThousand(t *testing.T) {
	var in HostsInput
	for i := 0; i < 1000; i++ {
		in.Peers = append(in.Peers, peer(fmt.Sprintf("n%d", i), fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), fmt.Sprintf("a%d", i), "web"))
	}
	begun := time.Now()
	text, _ := Hosts(in)
	if n := strings.Count(string(text), "\n"); n != 1003 {
		t.Errorf("%d lines, want 1003", n)
	}
	t.Logf("1,000 peers took %v", time.Since(begun))
}

func TestResolv(t *testing.T) {
	addrs := func(list ...string) (a []netip.Addr) {
		for _, s := range list {
			a = append(a, netip.MustParseAddr(s))
		}
		return a
	}
	tests := []struct {
		sources []DNS
		want    string
	}{
		{nil, ""},
		{[]DNS{{Search: []string{"lan"}}}, ""},
		{[]DNS{{Servers: addrs("192.168.7.1", "fd00::1")}}, "nameserver 192.168.7.1\nnameserver fd00::1\n"},
		{[]DNS{{Servers: addrs("::ffff:10.0.0.1"), Search: []string{"farm.local", "lan"}}, {Servers: addrs("fe80::1%eth0", "10.0.0.1"), Search: []string{"lan", "org"}}},
			"nameserver 10.0.0.1\nnameserver fe80::1%eth0\nsearch farm.local lan org\n"},
	}
	for _, tt := range tests {
		got := Resolv(tt.sources...)
		want := tt.want
		if want != "" {
			want = resolvHead + want
		}
		if string(got) != want || (got == nil) != (want == "") {
			t.Errorf("%+v: got %q, want %q", tt.sources, got, want)
		}
		if d := ParseResolv(got); d.Servers != nil || d.Search != nil {
			t.Errorf("read our own: %+v", d)
		}
	}
	got := ParseResolv([]byte("; x\nnameserver 10.0.0.1\nnameserver x\ndomain a\nsearch b c\noptions rotate\nnameserver fe80::1%eth0"))
	if !slices.Equal(got.Servers, addrs("10.0.0.1", "fe80::1%eth0")) || !slices.Equal(got.Search, []string{"b", "c"}) {
		t.Errorf("got %+v", got)
	}
}
