package cluster

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// Peers that come and go change nothing about those that stay: neither the brake of one that
// answers and never connects, nor the respect for a connection that a release ended.
func TestRenewKeeps(t *testing.T) {
	stays := Peer{"n2", "app@n2", netip.MustParseAddrPort("10.0.0.2:17012")}
	goes := Peer{"n3", "app@n3", netip.MustParseAddrPort("10.0.0.3:17012")}
	comes := Peer{"n1", "app@n1", netip.MustParseAddrPort("10.0.0.1:17012")}
	m := monitor{echo6: echo{fd: -1}}
	m.renew(Watch{Table: 1, Timeout: 3 * time.Second, Peers: []Peer{goes, stays}})
	known := heal{attempts: 7, brake: 32 * time.Second, respect: time.Hour, lost: true, next: time.Minute}
	m.peers[1].heal, m.peers[1].state = known, OtherCookie
	of := func(peer int) *dial { return &dial{fd: -1, peer: peer, deadline: time.Hour} }
	gone, kept := of(0), of(1)
	m.dials = []*dial{gone, kept}

	m.renew(Watch{Table: 2, Timeout: 3 * time.Second, Peers: []Peer{comes, stays, {"n4", "", goes.Addr}}})
	if p := m.peers[1]; p.heal != known || p.state != OtherCookie {
		t.Errorf("n2 is %+v, want what it was before", p)
	}
	if m.peers[0].heal != (heal{}) || m.peers[2].heal != (heal{}) {
		t.Error("peers that came know of others' attempts")
	}
	if !gone.done || kept.done || kept.peer != 1 || len(m.dials) != 1 {
		t.Errorf("the handshakes: %+v", m.dials)
	}
	stays.Addr = comes.Addr // another machine under the same name
	if m.renew(Watch{Table: 3, Peers: []Peer{stays}}); m.peers[0].heal != (heal{}) || !kept.done {
		t.Errorf("n2 at another address is %+v", m.peers[0])
	}
}

// A monitor that runs takes another table, reports of whom it is one, and goes on with a
// connection that is in both. What is none changes nothing.
func TestRenew(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		loUp(t)
		port := serve(t, func(c net.Conn) {
			c.Write(append(wire("sok"), wire(challenge("app@n1"))...))
			io.Copy(io.Discard, c)
		})
		w := Watch{Table: 1, Port: port, Local: []netip.AddrPort{local(port)}, Node: "p@h", Interval: time.Hour, Limit: limitOfTest, Heal: time.Hour, Peers: peersAt(2, port)}
		x := watch(t, w)
		defer dialFrom(t, "127.0.0.3", port).Close()
		x.order(Order{Kind: Look})
		states := func(table uint32, want ...PeerState) func(Message) bool {
			return func(m Message) bool {
				return m.Kind == Found && m.Report.Table == table && m.Report.Known && slices.Equal(m.Report.Peers, want)
			}
		}
		x.until("one of two", func(m Message) bool { return m.Kind == Found && m.Report.Known && m.Report.Peers[1] == Connected })
		x.renew([]byte("{"))
		x.order(Order{Kind: Renew}) // and no file
		w.Table, w.Peers = 2, w.Peers[1:]
		x.renew(w.Encode())
		x.until("the one that is left, still connected", states(2, Connected))
		x.reports.SetReadDeadline(time.Now().Add(2 * settleTime))
		if m, err := ReadMessage(x.reports); err == nil {
			t.Errorf("%+v, and nothing happened", m)
		}
		w.Table, w.Peers = 3, nil
		x.renew(w.Encode())
		x.until("nobody", states(3))
		if fds := descriptors(t, "/memfd:watch (deleted)"); fds != 0 {
			t.Errorf("%d tables are open yet", fds)
		}
	})
}

// descriptors counts those of this process that are open to a path.
func descriptors(t *testing.T, path string) (n int) {
	t.Helper()
	for fd := range 256 {
		var b [256]byte
		if size, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), b[:]); err == nil && string(b[:size]) == path {
			n++
		}
	}
	return n
}
