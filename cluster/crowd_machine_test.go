package cluster_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"golang.org/x/sys/unix"
)

// How many nodes come and go, for how long: make soak has fifty for ten minutes.
var (
	crowdNodes = flag.Int("crowd.nodes", 0, "how many nodes come and go in TestCrowd; 0: it is not run")
	crowdTime  = flag.Duration("crowd.time", 6*time.Second, "for how long")
)

// maxShare is how much of a core the monitor may take for ten peers that are well.
const maxShare = 0.001

// crowd are nodes that know nobody and find each other by mDNS.
type crowd struct {
	t      *testing.T
	bridge int
	nodes  []*machine.Machine // nil: it is gone
	left   map[int]bool       // those that are gone and said good-bye, or never came
	plugs  int
}

func (c *crowd) name(i int) string { return "n" + strconv.Itoa(i+1) }

// start starts a node, with as little of a VM as there can be.
func (c *crowd) start(i int) {
	s := machine.WithERTS(c.t, fmt.Sprintf("hostname=%s beaminit.network.eth0.address=10.77.1.%d/16 beaminit.network.eth0.wait=60s beaminit.health.interval=10s", c.name(i), i+1),
		"[discovery]\nmdns = true\n[release]\nargs = [\"+S\", \"1:1\", \"+SDio\", \"1\", \"+A\", \"1\", \"+sbwt\", \"none\", \"-mode\", \"interactive\"]\n")
	m := machine.Start(c.t, s)
	c.plugs++
	m.Plug(c.bridge, c.plugs)
	c.nodes[i] = m
	delete(c.left, i)
}

// stop ends a node: in order, which it tells the others, or by its power.
func (c *crowd) stop(i int, inOrder bool) {
	m := c.nodes[i]
	if c.nodes[i] = nil; !inOrder {
		m.PowerOff()
		return
	}
	m.Signal(unix.SIGTERM)
	m.Ended()
	c.left[i] = true
}

// right says what is not as it should be with the nodes that run: /etc/hosts and the record of
// each name all that are there, and those that went without a word.
func (c *crowd) right() (wrong string) {
	running, known := 0, 0
	for i, m := range c.nodes {
		if m != nil {
			running++
		}
		if !c.left[i] {
			known++
		}
	}
	for i, m := range c.nodes {
		if m == nil {
			continue
		}
		r := m.LastRecord()
		hosts := m.In("/etc/hosts")
		for k := range c.nodes {
			line := fmt.Sprintf("10.77.1.%d %s\n", k+1, c.name(k))
			// Who came after one had gone without a word cannot know of it.
			if k != i && strings.Contains(hosts, line) && c.left[k] || c.nodes[k] != nil && !strings.Contains(hosts, line) {
				return fmt.Sprintf("%s: /etc/hosts, where %s is there: %v, gone in order: %v\n%s", c.name(i), c.name(k), c.nodes[k] != nil, c.left[k], hosts)
			}
		}
		if r.Connected != running-1 || r.Peers < running-1 || r.Peers > known-1 || r.State != health.Up && r.State != health.Degraded {
			return fmt.Sprintf("%s: %s, %d of %d peers, want %d of %d at most; missing %v, brake %v\n%s", c.name(i), r.State, r.Connected, r.Peers, running-1, known-1, r.Missing, r.Brake, m.Tail())
		}
	}
	return ""
}

// settle waits until all is right.
func (c *crowd) settle(limit time.Duration) {
	c.t.Helper()
	wrong := ""
	begun := time.Now()
	for {
		if wrong = c.right(); wrong == "" {
			return
		}
		if time.Since(begun) > limit {
			c.t.Fatalf("after %v: %s", limit, wrong)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// Nodes come and go for a while: in order, by their power, and again under the same name. Once
// it is quiet, all of them know who is there, and no others. What it costs the monitor is told.
func TestCrowd(t *testing.T) {
	if *crowdNodes == 0 {
		t.Skip("make crowd: nodes that find each other while the machine is busy may be taken apart by OTP and left alone for cluster.respect, which takes a minute")
	}
	t.Parallel()
	neighbours(t, 2*(*crowdNodes)*(*crowdNodes))
	c := &crowd{t: t, bridge: machine.Bridge(t), nodes: make([]*machine.Machine, *crowdNodes), left: map[int]bool{}}
	for i := range c.nodes {
		c.start(i)
	}
	limit := loaded + time.Duration(*crowdNodes)*4*time.Second
	c.settle(limit)
	begun := time.Now()
	events := 0
	for ; time.Since(begun) < *crowdTime; events++ {
		i := rand.IntN(len(c.nodes))
		switch {
		case c.nodes[i] == nil:
			c.start(i)
		case i > 0: // one stays, for what it costs
			c.stop(i, rand.IntN(2) == 0)
		}
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Millisecond)
	}
	for i, m := range c.nodes {
		if m == nil {
			c.start(i)
		}
	}
	c.settle(limit)
	c.cost(events)
}

// neighbours lets the kernel know so many neighbours while the test runs: it counts those of
// all network namespaces together (arp(7), gc_thresh3: 1,024), and fifty nodes have 2,450. What
// is beyond is unreachable, "neighbour: arp_cache: neighbor table overflow!".
func neighbours(t *testing.T, want int) {
	t.Helper()
	const limit = "/proc/sys/net/ipv4/neigh/default/gc_thresh3"
	before, err := os.ReadFile(limit)
	if err != nil {
		t.Fatal(err)
	}
	if have, err := strconv.Atoi(strings.TrimSpace(string(before))); err != nil || have >= want {
		return
	}
	if err := os.WriteFile(limit, []byte(strconv.Itoa(want)), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.WriteFile(limit, before, 0) })
}

// cost says what the monitor of the node that stayed takes, of the CPU while all is well.
func (c *crowd) cost(events int) {
	c.t.Helper()
	m := c.nodes[0]
	monitor := m.Child(cluster.MonitorName[:15])
	const span = 20 * time.Second
	before := ran(c.t, m, monitor)
	if *crowdNodes > 10 {
		time.Sleep(span)
	} else {
		time.Sleep(span / 10)
	}
	used := float64(ran(c.t, m, monitor)-before) / float64(span)
	peers := len(c.nodes) - 1
	var pss int
	_, rest, _ := strings.Cut(m.Proc(monitor, "smaps_rollup"), "Pss:")
	fmt.Sscan(rest, &pss)
	c.t.Logf("crowd: %d nodes, %d came or went: the monitor of one takes %.3f %% of a core, %.3f %% for ten peers, and %d KiB", len(c.nodes), events, 100*used, 1000*used/float64(peers), pss)
	if *crowdNodes > 10 && used > maxShare*float64(peers)/10 {
		c.t.Errorf("the monitor takes %.3f %% of a core for %d peers", 100*used, peers)
	}
}

// ran is how long a process was on a CPU (proc(5), schedstat: nanoseconds), in all its threads.
func ran(t *testing.T, m *machine.Machine, pid int) (sum time.Duration) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	m.Must(err)
	for _, task := range tasks {
		var n int64
		fmt.Sscan(m.Proc(pid, "task/"+task.Name()+"/schedstat"), &n)
		sum += time.Duration(n)
	}
	return sum
}
