package discovery_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"
)

// maxAll is what PID 1 and all of its children that are this program have of the memory at
// most, in KiB, while the network gives the node its address and its peers: 13.5 MiB are
// measured, on two processors. A Go process has 1.2 MiB before it does anything.
const maxAll = 15 << 10

// A node with DHCP and mDNS on, and two peers that were found, takes little memory for all of
// that: PID 1, the monitor, the network child and the discovery of peers together.
func TestFootprintOfAll(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	machine.Dnsmasq(t, br)
	var nodes []*machine.Machine
	for i := 1; i <= 3; i++ {
		m := machine.Start(t, machine.WithERTS(t, "hostname=n"+strconv.Itoa(i)+" ip=dhcp beaminit.network.eth0.wait=1m", "[discovery]\nmdns = true\n"))
		m.Plug(br, i)
		nodes = append(nodes, m)
	}
	for _, m := range nodes {
		connected(m, 2, 0)
	}
	m := nodes[0]
	var all int
	m.Await("little memory", 20*time.Second, func() bool {
		all = 0
		for _, pid := range m.Below() {
			if exe, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe")); err == nil && filepath.Base(exe) == "init" {
				pss := kilobytes(m.Proc(pid, "smaps_rollup"), "Pss:")
				t.Logf("%s %d KiB", m.Proc(pid, "comm"), pss)
				all += pss
			}
		}
		return all <= maxAll
	})
	t.Logf("all: %d KiB", all)
}
