package discovery_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/internal/nstest"
)

// maxAll is what PID 1 and all of its children that are this program have of the memory, in
// KiB, while the network gives the node its address and its peers: 11.3 to 13 MiB are measured,
// on two processors, and the least counts. A Go process has 1.2 MiB before it does anything.
const maxAll = 12 << 10

// A node with DHCP and mDNS on, and two peers that were found, takes little memory for all of
// that: PID 1, the monitor, the network child and the discovery of peers together.
func TestFootprintOfAll(t *testing.T) {
	t.Parallel()
	br := machine.Bridge(t)
	machine.Dnsmasq(t, br)
	var nodes []*machine.Machine
	for i := 1; i <= 3; i++ {
		s := machine.WithERTS(t, "hostname=n"+strconv.Itoa(i)+" ip=dhcp beaminit.network.eth0.wait=1m", "[discovery]\nmdns = true\n")
		// Pages of 4 KiB, as a squashfs gives them: ext4 and others may have them by 2 MiB.
		s.Memory = true
		m := machine.Start(t, s)
		m.Plug(br, i)
		nodes = append(nodes, m)
	}
	for _, m := range nodes {
		connected(m, 2, 0)
	}
	m := nodes[0]
	var all int
	defer func() { t.Logf("all: %d KiB", all) }()
	m.Await("little memory", nstest.Patience, func() bool {
		all = 0
		for _, pid := range m.Below() {
			if exe, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe")); err == nil && filepath.Base(exe) == "init" {
				pss := kilobytes(m.Look(pid, "smaps_rollup"), "Pss:")
				t.Logf("%s %d KiB", m.Look(pid, "comm"), pss)
				all += pss
			}
		}
		return all <= maxAll
	})
}
