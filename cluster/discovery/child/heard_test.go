package child

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/config"
	"golang.org/x/net/dns/dnsmessage"
)

var (
	testKey = []byte("the key of these tests")
	begin   = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	sender  = netip.MustParseAddr("10.0.0.2")
)

func newListener(key []byte) *listener {
	return &listener{orders: &discovery.Orders{Limit: 4}, key: key, nodes: map[string]*heard{}, signed: map[string]*serial{}, boot: "own", own: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
}

func of(host, addr, boot string, n uint64) announcement {
	return announcement{host: host, node: "app", port: 17012, addrs: []netip.Addr{netip.MustParseAddr(addr)}, boot: boot, n: n}
}

// sent is an announcement as it comes from the wire.
func sent(t testing.TB, a announcement, key []byte) *message {
	t.Helper()
	text, err := a.message(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseMessage(text)
	if err != nil {
		t.Fatal(err)
	}
	return &m
}

func (l *listener) list(at time.Time) string {
	var names []string
	for _, p := range l.peers(at) {
		names = append(names, fmt.Sprintf("%s=%s:%d/%s", p.Name, p.Address, p.Port, p.Node))
	}
	return strings.Join(names, " ")
}

// Nothing but what was signed with the key counts: each change of what is signed, another key,
// and no key at all are refused and named once.
func TestForgery(t *testing.T) {
	good := of("n2", "10.0.0.2", "b", 5)
	changed := func(from, to string) func(m *message) {
		return func(m *message) {
			for i := range m.records {
				for j, s := range m.records[i].text {
					m.records[i].text[j] = strings.Replace(s, from, to, 1)
				}
			}
		}
	}
	tests := []struct {
		name string
		key  []byte
		do   func(m *message)
		want string
	}{
		{"as it is", testKey, func(*message) {}, "n2=10.0.0.2:17012/app"},
		{"no key", nil, func(*message) {}, ""},
		{"another key", []byte("another"), func(*message) {}, ""},
		{"address", testKey, changed("addr=10.0.0.2", "addr=10.0.0.9"), ""},
		{"port", testKey, changed("17012", "17013"), ""},
		{"node", testKey, changed("node=app", "node=evil"), ""},
		{"number", testKey, changed("n=5", "n=6"), ""},
		{"boot", testKey, changed("boot=b", "boot=c"), ""},
		{"good-bye", testKey, changed("boot=b", "bye=1"), ""},
		{"host", testKey, changed("host=n2", "host=n3"), ""},
		{"one more string", testKey, func(m *message) {
			for i := range m.records {
				if len(m.records[i].text) > 0 {
					m.records[i].text = append(m.records[i].text, "host=n3")
				}
			}
		}, ""},
		{"one string of two", testKey, func(m *message) {
			for i := range m.records {
				if text := m.records[i].text; len(text) > 2 {
					m.records[i].text = append([]string{text[0] + "\n" + text[1]}, text[2:]...)
				}
			}
		}, ""}, // the same HMAC, but the port is part of the host then, which is none
		{"under another instance", testKey, func(m *message) {
			for i := range m.records {
				m.records[i].name = strings.Replace(m.records[i].name, "n2.", "n3.", 1)
			}
		}, ""},
		{"other addresses beside it", testKey, func(m *message) {
			m.records = append(m.records, record{name: "n2.local", kind: 1, ttl: time.Hour, addr: netip.MustParseAddr("10.0.0.66")})
		}, "n2=10.0.0.2:17012/app"},
	}
	for _, tt := range tests {
		l := newListener(testKey)
		m := sent(t, good, tt.key)
		tt.do(m)
		l.hear(m, sender, begin)
		l.hear(m, sender, begin)
		if got := l.list(begin); got != tt.want || (len(l.say) == 1) != (tt.want == "") {
			t.Errorf("%s: %q, want %q; said %q", tt.name, got, tt.want, l.say)
		}
	}
}

// An announcement counts once. An older one is refused, also of a run before; one of a run
// that is new counts at once where its clock goes on, else when the node has been silent.
func TestReplay(t *testing.T) {
	l := newListener(testKey)
	steps := []struct {
		after time.Duration
		a     announcement
		want  string
		said  bool
	}{
		{0, of("n2", "10.0.0.2", "b1", 100), "n2=10.0.0.2:17012/app", false},
		{1, of("n2", "10.0.0.2", "b1", 100), "n2=10.0.0.2:17012/app", false}, // by the other protocol
		{2, of("n2", "10.0.0.3", "b1", 101), "n2=10.0.0.3:17012/app", false}, // it has another address
		{3, of("n2", "10.0.0.2", "b1", 100), "n2=10.0.0.3:17012/app", true},  // and now the old one is sent again
		{4, of("n2", "10.0.0.4", "b2", 200), "n2=10.0.0.4:17012/app", false}, // it was restarted
		{5, of("n2", "10.0.0.3", "b1", 101), "n2=10.0.0.4:17012/app", false}, // said already
		{6, of("n2", "10.0.0.5", "b3", 50), "n2=10.0.0.4:17012/app", false},  // restarted, with its clock put back
		{200, of("n2", "10.0.0.5", "b3", 51), "n2=10.0.0.5:17012/app", false},
		{201, of("n2", "10.0.0.4", "b2", 200), "n2=10.0.0.5:17012/app", false},
		{400, of("n2", "10.0.0.3", "b1", 101), "n2=10.0.0.5:17012/app", false}, // silent, but that run was heard
	}
	for i, s := range steps {
		l.say = nil
		at := begin.Add(s.after * time.Second)
		l.hear(sent(t, s.a, testKey), sender, at)
		if got := l.list(at); got != s.want {
			t.Errorf("step %d: %q, want %q", i, got, s.want)
		}
		if s.said != (len(l.say) > 0) {
			t.Errorf("step %d: said %q", i, l.say)
		}
	}
	bye := of("n2", "10.0.0.5", "b3", 60)
	bye.bye = true
	at := begin.Add(401 * time.Second)
	l.hear(sent(t, bye, testKey), sender, at)
	if got := l.list(at); got != "" {
		t.Errorf("after its good-bye: %q", got)
	}
}

// Without a key: who came first has his name for as long as he is heard; a good-bye counts
// when he does not say otherwise; silence is no good-bye.
func TestHear(t *testing.T) {
	l := newListener(nil)
	at := begin
	hear := func(a announcement) { l.hear(sent(t, a, nil), sender, at) }
	check := func(what, want string) {
		t.Helper()
		if got := l.list(at); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	hear(of("n2", "10.0.0.2", "", 0))
	check("heard", "n2=10.0.0.2:17012/app")
	hear(of("n2", "10.0.0.66", "", 0))
	other := of("n2", "10.0.0.2", "", 0)
	other.port, other.node = 666, "evil"
	hear(other)
	check("another claims it", "n2=10.0.0.2:17012/app")
	if len(l.say) != 1 || !strings.Contains(l.say[0], "came first and counts") {
		t.Errorf("said %q", l.say)
	}
	at = begin.Add(hostTTL - hostTTL/10)
	if ask, _, _ := l.expire(at); len(ask) != 1 {
		t.Errorf("%d are asked whether they are still there", len(ask))
	}
	bye := of("n2", "10.0.0.2", "", 0)
	bye.bye = true
	hear(bye)
	check("good-bye, just now", "n2=10.0.0.2:17012/app")
	hear(of("n2", "10.0.0.2", "", 0))
	at = at.Add(2 * byeWait)
	l.expire(at)
	check("it was not his", "n2=10.0.0.2:17012/app")
	at = at.Add(hostTTL)
	l.expire(at)
	check("silent", "n2=10.0.0.2:17012/app")
	hear(of("n2", "10.0.0.3", "", 0))
	check("another after silence", "n2=10.0.0.3:17012/app")
	bye.addrs = []netip.Addr{netip.MustParseAddr("10.0.0.3")}
	hear(bye)
	at = at.Add(2 * byeWait)
	l.expire(at)
	check("good-bye", "")
	hear(of("n1", "10.0.0.1", "", 0))
	check("itself", "")
	for i := range 100 {
		hear(of(fmt.Sprintf("m%d", i), "10.0.1.1", "", 0))
	}
	if len(l.nodes) > 4+2 {
		t.Errorf("%d are known, of a limit of 4", len(l.nodes))
	}
	at = at.Add(forgetAfter + 2*hostTTL)
	l.expire(at)
	check("forgotten", "")
}

// A question for the service, the node or its host is answered; one that knows the node
// already, or is for others, is not.
func TestAsks(t *testing.T) {
	a := of("n2", "10.0.0.2", "", 0)
	for name, want := range map[string]bool{service: true, services: true, "n2." + service: true, "n2.local": true, "n3.local": false, "_http._tcp.local": false} {
		n, err := nameOf(name)
		if err != nil {
			t.Fatal(err)
		}
		q := message{questions: []dnsmessage.Question{{Name: n, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET}}}
		if got := a.asks(&q); got != want {
			t.Errorf("%s: %v", name, got)
		}
		if name == service {
			q.records = []record{{name: service, kind: 12, target: "n2." + service, ttl: otherTTL}}
			if a.asks(&q) {
				t.Error("who knows is told again")
			}
		}
	}
}

// Whatever comes, what is kept is bounded, and what is listed is names and addresses.
func FuzzHear(f *testing.F) {
	for _, key := range [][]byte{nil, testKey} {
		a := of("n2", "10.0.0.2", "b", 1)
		text, err := a.message(key, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, len(key) > 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, signed bool) {
		m, err := parseMessage(b)
		if err != nil {
			return
		}
		var key []byte
		if signed {
			key = testKey
		}
		l := newListener(key)
		for at := begin; at.Before(begin.Add(5 * time.Minute)); at = at.Add(time.Minute) {
			l.hear(&m, sender, at)
			l.expire(at)
		}
		if len(l.nodes) > 6 || len(l.say) > maxSaid {
			t.Errorf("%d nodes, %d lines", len(l.nodes), len(l.say))
		}
		for _, p := range l.peers(begin) {
			if !config.HostName(p.Name) || strings.Contains(p.Name, ".") || !config.HostAddress(p.Address) || p.Node != "" && !config.NodeName(p.Node) || slices.Contains(l.own, p.Address) {
				t.Errorf("%+v", p)
			}
		}
		self := of("n1", "10.0.0.1", "own", 1)
		self.asks(&m)
	})
}
