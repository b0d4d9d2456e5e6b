package e2e

import (
	"bytes"
	"context"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/lab"
)

// Two nodes on two LANs: the distribution is on one, and what is done to one of them does nothing to the
// other. As virtual machines, and as namespaces.
func TestTwoLANs(t *testing.T) {
	t.Parallel()
	for _, as := range []string{lab.AsVM, lab.AsNS} {
		t.Run(as, func(t *testing.T) {
			t.Parallel()
			switch {
			case as == lab.AsNS:
				nstest.AsRoot(t)
			case !*soak:
				t.Skip("make auto runs it, for make soak; TestTwoLANs/ns has the same switch, faults and sniffer")
			}
			twoLANs(t, as)
		})
	}
}

func twoLANs(t *testing.T, as string) {
	lans := []lab.LANSpec{{Name: "control", Prefix: netip.MustParsePrefix("10.1.0.0/24")}, {Name: "field", Prefix: netip.MustParsePrefix("10.2.0.0/16")}}
	var nodes []lab.NodeSpec
	for i, name := range []string{"till", "store"} {
		on := []lab.NIC{{LAN: "control", Address: lans[0].Host(6 + i)}, {LAN: "field", Address: lans[1].Host(6 + i)}}
		nodes = append(nodes, lab.NodeSpec{Name: name, Address: on[0].Address, NICs: on})
	}
	l := startLANs(t, lab.Options{Nodes: nodes, LANs: lans, As: as})
	whole := func() {
		t.Helper()
		if err := l.WaitWhole(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	do := func(words string) {
		t.Helper()
		if err := l.Do(strings.Fields(words)...); err != nil {
			t.Fatal(err)
		}
	}
	var captured bytes.Buffer
	stop, written := l.Switch.Sniff(&captured)
	whole()
	till := l.Nodes()[0]
	for _, host := range []string{"10.1.0.6", "10.2.0.6", "10.2.0.7"} {
		if !answers(t, l, host) {
			t.Errorf("%s does not answer\n%s", host, strings.Join(till.Tail(30), "\n"))
		}
	}

	do("isolate till on field")
	before, _ := till.Last()
	if answers(t, l, "10.2.0.6") || !answers(t, l, "10.2.0.7") {
		t.Error("till answers on field, which it is off; or store does not")
	}
	if got := rpc(t, l, till, "nodes()"); got != "[eclero@store]" {
		t.Errorf("nodes() is %s while the other LAN is cut", got)
	}
	reach(t, till, "three more records", func(r lab.Record) bool {
		if r.Connected != 1 {
			t.Errorf("record %d: %d peers while the other LAN is cut", r.Seq, r.Connected)
		}
		return r.Seq > before.Seq+3
	})
	do("heal")

	do("cut till store on control")
	reach(t, till, "degraded without store", missing("store"))
	if !answers(t, l, "10.2.0.6") || !answers(t, l, "10.2.0.7") {
		t.Error("a fault on control is one on field too")
	}
	s, err := l.Status()
	if err != nil || len(s.Links) != 2 || s.Links[0].LAN != "control" || len(s.LANs) != 2 {
		t.Errorf("links %v of LANs %v, want the two ways on control; %v", s.Links, s.LANs, err)
	}
	do("heal till store on control")
	whole()

	do("unplug till on field")
	reach(t, till, "eth1 without carrier", func(r lab.Record) bool { return strings.Contains(strings.Join(r.Net, " "), "eth1:no-carrier") })
	if last, _ := till.Last(); last.State != health.Up || strings.Contains(strings.Join(last.Net, " "), "eth0") {
		t.Errorf("till is %s, its links %v", last.State, last.Net)
	}
	do("heal till on field")
	reach(t, till, "all carriers", func(r lab.Record) bool { return len(r.Net) == 0 })
	stop()
	<-written
	for _, want := range []string{"till:eth0", "till:eth1", "store:eth0", "store:eth1", "isolate till on field"} {
		if !bytes.Contains(captured.Bytes(), []byte(want)) {
			t.Errorf("the capture has nothing of %q", want)
		}
	}
}

// startLANs starts a lab of these nodes and LANs.
func startLANs(t *testing.T, o lab.Options) *lab.Lab {
	t.Helper()
	config := lab.Config(o.Nodes, interval)
	if o.As == lab.AsVM {
		return start(t, o, config)
	}
	return startAsNamespaces(t, o, config)
}

// answers tells whether a host of the LAN that the address is on gets an answer from there.
func answers(t *testing.T, l *lab.Lab, address string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	own := address[:strings.LastIndex(address, ".")] + ".3"
	out, err := exec.CommandContext(ctx, labBin, "join", "-dir", l.Dir(), "-address", own, "ping", "-c", "3", "-W", "2", address).CombinedOutput()
	t.Logf("ping %s: %v\n%s", address, err, out)
	return err == nil
}
