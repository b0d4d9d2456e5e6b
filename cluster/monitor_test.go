package cluster

import (
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// limitOfTest is for what should take milliseconds, on a machine that has much else to do.
const limitOfTest = time.Minute

// watcher is a monitor that runs, with the test in the place of PID 1.
type watcher struct {
	t       *testing.T
	orders  *os.File
	reports *os.File
	ended   chan struct{}
}

func watch(t *testing.T, w Watch) *watcher {
	t.Helper()
	orders, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := &watcher{t, os.NewFile(uintptr(orders[1]), "orders"), outR, make(chan struct{})}
	w, err = parseWatch(w.Encode())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		w.Run(orders[0], int(outW.Fd()))
		outW.Close()
		unix.Close(orders[0])
		close(x.ended)
	}()
	t.Cleanup(func() { x.orders.Close() })
	return x
}

func (x *watcher) order(o Order) { x.orders.Write(o.Encode()) }

// renew gives it another table, or what text has instead.
func (x *watcher) renew(text []byte) {
	x.t.Helper()
	fd, err := unix.MemfdCreate("watch", unix.MFD_CLOEXEC)
	if err != nil {
		x.t.Fatal(err)
	}
	defer unix.Close(fd)
	unix.Pwrite(fd, text, 0)
	if err := unix.Sendmsg(int(x.orders.Fd()), Order{Kind: Renew}.Encode(), unix.UnixRights(fd), nil, 0); err != nil {
		x.t.Fatal(err)
	}
}

// until reads messages until one is as ok wants it.
func (x *watcher) until(what string, ok func(Message) bool) {
	x.t.Helper()
	x.reports.SetReadDeadline(time.Now().Add(limitOfTest))
	for {
		m, err := ReadMessage(x.reports)
		if err != nil {
			x.t.Fatalf("%s: %v", what, err)
		}
		if ok(m) {
			return
		}
	}
}

// A connection that ends and is made again is reported as missing in between,
// however short that was, and without waiting for the next regular look.
func TestMonitorSeesFlap(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		loUp(t)
		port := serve(t, func(c net.Conn) {
			c.Write(append(wire("sok"), wire(challenge("app@n1"))...))
			io.Copy(io.Discard, c)
		})
		x := watch(t, Watch{Port: port, Local: []netip.AddrPort{local(port)}, Node: "p@h", Interval: time.Hour, Limit: limitOfTest, Heal: time.Hour, Peers: peersAt(1, port)})
		is := func(want bool) func(Message) bool {
			return func(m Message) bool {
				return m.Kind == Found && m.Report.Known && (m.Report.Peers[0] == Connected) == want
			}
		}
		c := dialFrom(t, "127.0.0.2", port)
		x.order(Order{Kind: Look})
		x.until("connected", is(true))
		for i := 0; i < 3; i++ {
			c.Close()
			c = dialFrom(t, "127.0.0.2", port)
			x.until("gone for a moment", is(false))
			x.until("connected again", is(true))
		}
	})
}

// A VM that is stopped has a kernel that takes connections for it: a handshake with it is none,
// however long it lasts, and neither is one that is at its door.
func TestMonitorSeesStopped(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		loUp(t)
		port := serve(t, func(c net.Conn) {
			c.Write(append(wire("sok"), wire(challenge("app@n1"))...))
			io.Copy(io.Discard, c)
		})
		stopped, err := net.Listen("tcp4", "127.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		peer := Peer{Addr: netip.MustParseAddrPort(stopped.Addr().String())}
		x := watch(t, Watch{Port: port, Local: []netip.AddrPort{local(port)}, Node: "p@h", Interval: time.Hour, Limit: 3 * settleTime, Heal: 4 * settleTime, Peers: []Peer{peer}})
		x.order(Order{Kind: Look})
		x.until("down", func(m Message) bool {
			if m.Kind == Found && m.Report.Peers[0] == Connected {
				t.Errorf("a handshake passes for a connection: %+v", m)
			}
			return m.Kind == Found && m.Report.Peers[0] == Down
		})
	})
}

// A monitor that is told to look reports; told to rest, or with PID 1 gone, it is silent.
func TestRun(t *testing.T) {
	port := serve(t, func(c net.Conn) { c.Read(make([]byte, 64)); c.Write(wire("snok")) })
	x := watch(t, Watch{Port: port, Local: []netip.AddrPort{local(port)}, Node: "p@h", Interval: time.Hour, Limit: limitOfTest})
	x.order(Order{Kind: Look})
	x.until("an answer", func(m Message) bool { return m.Kind == Found && m.Report.Answer == Answered })
	x.orders.Close()
	select {
	case <-x.ended:
	case <-time.After(limitOfTest):
		t.Fatal("still runs after PID 1 has gone")
	}
}

// A release that listens at one of its addresses is found there, whichever of the others
// refuses, or is none that there is a way to, as the one of an eth0 that has gone.
func TestProbeFindsTheAddress(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		loUp(t)
		port := serve(t, func(c net.Conn) { c.Read(make([]byte, 64)); c.Write(wire("snok")) })
		away := netip.MustParseAddrPort("192.0.2.1:17012")
		for _, list := range [][]netip.AddrPort{{local(port), away}, {away, local(port)}, {local(1), away, local(port)}} {
			x := watch(t, Watch{Port: port, Local: list, Node: "p@h", Interval: 10 * time.Millisecond, Limit: limitOfTest})
			x.order(Order{Kind: Look})
			x.until("an answer", func(m Message) bool { return m.Kind == Found && m.Report.Answer == Answered })
			x.orders.Close()
			<-x.ended
		}
	})
}

// A release that listens nowhere is not probed; who is connected is known all the same.
func TestRunUnprobed(t *testing.T) {
	x := watch(t, Watch{Node: "p@h", Interval: time.Hour, Limit: time.Second})
	x.order(Order{Kind: Look})
	x.until("who is connected", func(m Message) bool { return m.Kind == Found && m.Report.Answer == 0 && m.Report.Known })
}
