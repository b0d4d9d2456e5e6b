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

// cpu is what this process has used of it so far.
func cpu() time.Duration {
	var u unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Two hundred peers that are well cost at most 2 % of a core to watch, with the answers,
// which are this machine's here too.
func TestCostOfWatching(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		loUp(t)
		if err := os.WriteFile(PingGroupRange, []byte("0 2147483647"), 0); err != nil {
			t.Fatal(err)
		}
		const peers, span = 200, 4 * time.Second
		port := serve(t, func(c net.Conn) {
			c.Write(append(wire("sok"), wire(challenge("app@n1"))...))
			io.Copy(io.Discard, c)
		})
		w := Watch{Port: port, Local: []netip.AddrPort{local(port)}, Node: "p@h", Interval: time.Hour, Limit: limitOfTest,
			Timeout: 3 * time.Second, Heal: 2 * time.Second, Peers: peersAt(peers, port)}
		for _, p := range w.Peers {
			dialFrom(t, p.Addr.Addr().String(), port)
		}
		x := watch(t, w)
		x.order(Order{Kind: Look})
		all := func(m Message) bool {
			n := 0
			for _, s := range m.Report.Peers {
				if s == Connected {
					n++
				}
			}
			return n == peers
		}
		x.until("all are connected", all)
		before := cpu()
		x.reports.SetReadDeadline(time.Now().Add(span))
		if m, err := ReadMessage(x.reports); err == nil {
			t.Errorf("%+v, of peers that are well", m)
		}
		used := cpu() - before
		t.Logf("%d peers: %.2f %% of a core", peers, 100*used.Seconds()/span.Seconds())
		if used > span*2/100 {
			t.Errorf("%d peers take %v of the CPU in %v, want at most 2 %%", peers, used, span)
		}
	})
}
