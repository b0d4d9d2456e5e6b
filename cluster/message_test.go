package cluster

import (
	"bytes"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestMessages(t *testing.T) {
	many := make([]PeerState, MaxPeers)
	many[MaxPeers-1] = OtherCookie
	want := []Message{
		{Kind: Found, Report: Report{Answer: Silent, Took: 1234 * time.Microsecond, Known: true, Peers: []PeerState{Connected, Unreachable}}},
		{Kind: Found, PID: 87, Report: Report{Answer: Strange}},
		{Kind: Found, Report: Report{Table: 1 << 31, Peers: many}},
		{Kind: Heal, Peer: "eclero7"},
		{Kind: Heal, Peer: "eclero7", Pause: LongestBrake},
		{Kind: Cut, Peer: "eclero8", Socket: Socket{0: 2, 51: 9}, Own: true},
		{Kind: Healed, Peer: strings.Repeat("n", maxName)},
	}
	var wire bytes.Buffer
	for _, m := range want {
		b := m.Encode()
		if len(b) > 4096 {
			t.Errorf("%d bytes are no single write to a pipe", len(b))
		}
		wire.Write(b)
	}
	for i := range want {
		got, err := ReadMessage(&wire)
		if err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("message %d: got %+v %v", i, got, err)
		}
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add(Message{Kind: Found, Report: Report{Peers: []PeerState{Connected}}}.Encode())
	f.Add(Message{Kind: Cut, Peer: "n2"}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadMessage(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, s := range m.Report.Peers {
			_ = s.String()
		}
		if again, err := ReadMessage(bytes.NewReader(m.Encode())); err != nil || again.Kind != m.Kind || again.Peer != m.Peer {
			t.Errorf("%+v is read back as %+v (%v)", m, again, err)
		}
	})
}

func TestOrders(t *testing.T) {
	want := Order{Rest, 1 << 21}
	b := want.Encode()
	if o, ok := decodeOrder(b); !ok || o != want {
		t.Errorf("got %+v %v, want %+v", o, ok, want)
	}
	if _, ok := decodeOrder(b[:3]); ok {
		t.Error("half an order is taken for one")
	}
}

func TestWatch(t *testing.T) {
	want := Watch{
		Port: 17012, Node: "beaminit-probe@eclero6", Interval: 10 * time.Second, Limit: 1500 * time.Millisecond,
		Timeout: 3 * time.Second, Heal: 2 * time.Second, Healing: true, Respect: time.Minute, TLS: true,
		Local: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:17012")},
		Peers: []Peer{{"eclero8", "app@eclero8", netip.MustParseAddrPort("192.168.7.8:17013")}, {"ten", "app@ten", netip.MustParseAddrPort("[fd00::a]:17012")}},
	}
	got, err := parseWatch(want.Encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v\nwant %+v", got, err, want)
	}
	for _, text := range []string{"", "{", "{}{}", "5"} {
		if _, err := parseWatch([]byte(text)); err == nil {
			t.Errorf("%q: want an error", text)
		}
	}
	for i := range MaxPeers {
		name := strings.Repeat("n", 60) + strconv.Itoa(i)
		want.Peers = append(want.Peers, Peer{name, "app@" + name, netip.MustParseAddrPort("[fd00:aaaa:bbbb:cccc:dddd:eeee:ffff:1]:17012")})
	}
	if n := len(want.Encode()); n > maxWatch {
		t.Errorf("%d bytes for as many peers as there may be, want %d at most", n, maxWatch)
	}
}
