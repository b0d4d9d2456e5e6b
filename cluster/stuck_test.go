package cluster

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
)

// A connection whose packets are lost one after the other counts while its peer answers: TCP may get
// through again after half a minute, and nobody has ended it.
func TestStuckConnectionCounts(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("no nft: nftables is not installed")
	}
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		x, c := stuckWatch(t)
		rule := "table ip t { chain c { type filter hook output priority 0; tcp dport " + strconv.Itoa(c.LocalAddr().(*net.TCPAddr).Port) + " drop; }; }"
		if out, err := exec.Command("nft", rule).CombinedOutput(); err != nil {
			t.Fatalf("nft: %v %s", err, out)
		}
		c.Write([]byte("x"))
		nstest.Await(t, "it is stuck", func() (is bool) {
			connections(func(_ Socket, stuck bool) { is = is || stuck })
			return is
		}, nil)
		x.reports.SetReadDeadline(time.Now().Add(4 * time.Second)) // a look is each second
		for m, err := ReadMessage(x.reports); err == nil; m, err = ReadMessage(x.reports) {
			if m.Kind == Cut || m.Kind == Found && len(m.Report.Peers) > 0 && m.Report.Peers[0] != Connected {
				t.Errorf("got %+v", m)
			}
		}
	})
}

// A VM that has something to send in the moment in which its peer is cut off has a connection
// that is stuck before the peer is dead. It is cut all the same; and so is one to a peer that
// answers echo requests, and whose port nothing reaches any more.
func TestStuckConnectionIsCut(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("no nft: nftables is not installed")
	}
	for name, what := range map[string]string{"cut off": "", "its port alone": "meta l4proto tcp"} {
		t.Run(name, func(t *testing.T) {
			nstest.Run(t, nstest.Usual, func(t *testing.T) {
				x, c := stuckWatch(t)
				rule := "table ip t { chain c { type filter hook output priority 0; ip daddr 127.0.0.2 " + what + " drop; }; }"
				if out, err := exec.Command("nft", rule).CombinedOutput(); err != nil {
					t.Fatalf("nft: %v %s", err, out)
				}
				c.Write([]byte("x")) // which the release answers
				x.until("it is cut", func(m Message) bool { return m.Kind == Cut && m.Peer == "n2" })
			})
		})
	}
}

// stuckWatch is a monitor with a peer that is connected to it, by c.
func stuckWatch(t *testing.T) (x *watcher, c net.Conn) {
	t.Helper()
	loUp(t)
	if err := os.WriteFile(PingGroupRange, []byte("0 2147483647"), 0); err != nil {
		t.Fatal(err)
	}
	port := serve(t, func(c net.Conn) {
		var b [64]byte
		for n, err := c.Read(b[:]); err == nil; n, err = c.Read(b[:]) {
			if b[0] == 'x' {
				c.Write(b[:n])
			} else {
				c.Write(append(wire("sok"), wire(challenge("app@n1"))...))
			}
		}
	})
	x = watch(t, Watch{Port: port, Local: []netip.AddrPort{local(port)}, Node: "p@h", Interval: time.Hour, Limit: 400 * time.Millisecond,
		Timeout: 3 * time.Second, Heal: 500 * time.Millisecond, Peers: []Peer{{"n2", "app@n2", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), uint16(port))}}})
	c = dialFrom(t, "127.0.0.2", port)
	x.order(Order{Kind: Look})
	x.until("connected", func(m Message) bool { return m.Kind == Found && m.Report.Known && m.Report.Peers[0] == Connected })
	return x, c
}
