package cluster_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// How soon every survivor's VM has to know, and how soon there has to be one mesh again
// after the end of the trouble; and how much longer a loaded machine of the tests may take.
const (
	noticeLimit = 4 * time.Second
	healLimit   = 5 * time.Second
	loaded      = 30 * time.Second
)

// lan is a cluster of machines on a switch.
type lan struct {
	t      *testing.T
	bridge int
	nodes  []*machine.Machine
	vms    []int
	late   *exec.Cmd // what carries delayed packets
}

func newLAN(t *testing.T, nodes int, words string) *lan {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("no nft: nftables is not installed")
	}
	toml := "[peers]\n"
	for i := range nodes {
		toml += fmt.Sprintf("n%d = \"10.77.0.1%d\"\n", i+1, i+1)
	}
	l := &lan{t: t, bridge: machine.Bridge(t)}
	for i := range nodes {
		s := machine.WithERTS(t, fmt.Sprintf("ip=10.77.0.1%d::10.77.0.1:255.255.255.0:n%d:eth0:off beaminit.network.eth0.wait=60s beaminit.health.probe_failures=0 %s", i+1, i+1, words), toml)
		s.Program = machine.Strict(t)
		m := machine.Start(t, s)
		m.State(health.Booting, 0)
		m.Plug(l.bridge, i)
		l.nodes = append(l.nodes, m)
	}
	for _, m := range l.nodes {
		m.Record("a whole mesh", 0, func(r health.Record) bool { return r.State == health.Up && r.Connected == nodes-1 })
		l.vms = append(l.vms, m.VM())
	}
	return l
}

// drop has the switch lose packets: rules of nft(8) in its forward hook; none: all pass.
func (l *lan) drop(rules ...string) {
	l.t.Helper()
	script := "nft flush ruleset"
	if len(rules) > 0 {
		script += "; nft 'table bridge t {\nchain c {\ntype filter hook forward priority 0;\n" + strings.Join(rules, "\n") + "\n}\n}'"
	}
	machine.InNet(l.t, l.bridge, script)
}

// between is what passes from one of a to one of b, and back.
func between(a, b []int) (rules []string) {
	for _, i := range a {
		for _, j := range b {
			rules = append(rules, oneWay(i, j), oneWay(j, i))
		}
	}
	return rules
}

func oneWay(i, j int) string { return fmt.Sprintf("iifname port%d oifname port%d drop", i, j) }

// saw is how often the VM of node i said that of node j: "gone", "back" or "here".
func (l *lan) saw(i, j int, word string) int {
	return l.nodes[i].Count(fmt.Sprintf("release: eclero: n%d is %s", j+1, word))
}

// meshed says whether all nodes are connected with all, by their last records.
func (l *lan) meshed() bool {
	for _, m := range l.nodes {
		r := m.LastRecord()
		if r.State != health.Up || r.Connected != len(l.nodes)-1 {
			return false
		}
	}
	return true
}

// until waits until ok holds and gives how long that took.
func (l *lan) until(what string, limit time.Duration, ok func() bool) time.Duration {
	l.t.Helper()
	took, held := within(limit, ok)
	if !held {
		for _, m := range l.nodes {
			l.t.Log(m.Tail())
		}
		l.t.Fatalf("%s: not within %v", what, limit)
	}
	return took
}

// within waits until ok holds, at most so long, and gives how long that took.
func within(limit time.Duration, ok func() bool) (took time.Duration, held bool) {
	begun := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		<-tick.C
		if time.Since(begun) > limit {
			return limit, false
		}
	}
	return time.Since(begun), true
}

// trouble is one row of the table: what is done, who has to notice whom, and how it ends.
type trouble struct {
	name  string
	nodes int                         // it takes so many
	begin func(l *lan)                //
	sees  map[int][]int               // the VM of the one has to see that of the others go
	lasts time.Duration               // after that, or in all where nobody has to see anything
	end   func(l *lan)                //
	also  func(l *lan, i, j int) bool // who may see whom go besides; nil: nobody
}

func anybody(*lan, int, int) bool { return true }

var pass = func(l *lan) { l.drop() }

// troubles is the table. Of a link that is cut, OTP's prevent_overlapping_partitions makes
// more of it than there is: others may go too.
var troubles = []trouble{
	{"one node is cut off", 3, func(l *lan) { l.drop("iifname port0 drop", "oifname port0 drop") },
		map[int][]int{0: {1, 2}, 1: {0}, 2: {0}}, 5 * time.Second, pass, func(l *lan, i, j int) bool { return i == 0 || j == 0 }},
	{"a VM is frozen", 3, func(l *lan) { unix.Kill(l.vms[1], unix.SIGSTOP) },
		map[int][]int{0: {1}, 2: {1}}, 3 * time.Second, func(l *lan) { unix.Kill(l.vms[1], unix.SIGCONT) }, func(_ *lan, i, j int) bool { return i == 1 || j == 1 }},
	{"20 % lost each way", 3, func(l *lan) { l.drop("numgen random mod 100 < 20 drop") },
		nil, 15 * time.Second, pass, nil},
	{"one link is cut", 4, func(l *lan) { l.drop(between([]int{0}, []int{1})...) },
		map[int][]int{0: {1}, 1: {0}}, 10 * time.Second, pass, anybody},
	{"one way is cut", 4, func(l *lan) { l.drop(oneWay(0, 1)) },
		map[int][]int{0: {1}, 1: {0}}, 10 * time.Second, pass, anybody},
	{"5 % lost each way", 4, func(l *lan) { l.drop("numgen random mod 100 < 5 drop") },
		nil, time.Minute, pass, nil},
	{"half a second of delay", 4, func(l *lan) { l.delay(3, 250*time.Millisecond) },
		nil, 30 * time.Second, func(l *lan) { l.undelay(3) }, nil},
	{"3 and 2", 5, func(l *lan) { l.drop(between([]int{0, 1, 2}, []int{3, 4})...) },
		map[int][]int{0: {3, 4}, 1: {3, 4}, 2: {3, 4}, 3: {0, 1, 2}, 4: {0, 1, 2}}, 20 * time.Second, pass, nil},
	{"flapping every 3 s", 4, func(l *lan) {
		for range 5 {
			l.drop("iifname port3 drop", "oifname port3 drop")
			time.Sleep(3 * time.Second)
			l.drop()
			time.Sleep(3 * time.Second)
		}
	}, nil, 0, pass, anybody},
	{"a frozen machine", 4, func(l *lan) {
		l.drop("iifname port2 drop", "oifname port2 drop")
		unix.Kill(l.vms[2], unix.SIGSTOP)
	}, map[int][]int{0: {2}, 1: {2}, 3: {2}}, 5 * time.Second, func(l *lan) {
		unix.Kill(l.vms[2], unix.SIGCONT)
		l.drop()
	}, func(_ *lan, i, j int) bool { return i == 2 || j == 2 }},
}

// marks is what the VM of each node has seen of each other before a trouble.
type marks struct {
	l      *lan
	before map[[2]int]int
}

func (l *lan) mark() marks {
	m := marks{l, map[[2]int]int{}}
	for i := range l.nodes {
		for j := range l.nodes {
			m.before[[2]int{i, j}] = l.saw(i, j, "gone")
		}
	}
	return m
}

// gone says whether the VM of node i has seen node j go since.
func (m *marks) gone(i, j int) bool { return m.l.saw(i, j, "gone") > m.before[[2]int{i, j}] }

// noticed says whether everybody knows who has to.
func (m *marks) noticed(tr *trouble) bool {
	for i, who := range tr.sees {
		for _, j := range who {
			if !m.gone(i, j) {
				return false
			}
		}
	}
	return true
}

// lost are those who saw somebody go who had not to, and may not.
func (m *marks) lost(tr *trouble) (list []string) {
	for i := range m.l.nodes {
		for j := range m.l.nodes {
			if m.gone(i, j) && !slices.Contains(tr.sees[i], j) && (tr.also == nil || !tr.also(m.l, i, j)) {
				list = append(list, fmt.Sprintf("n%d has lost n%d", i+1, j+1))
			}
		}
	}
	return list
}

// Partitions are noticed by every survivor's VM, and when they end there is one mesh again;
// no VM is restarted, and nobody is cut who lives.
func TestPartitions(t *testing.T) {
	t.Parallel()
	// An end of a connection that passes for one that was asked for is respected for a minute:
	// longer than this waits.
	l := newLAN(t, 3, "")
	for _, tr := range troubles {
		if tr.nodes <= 3 {
			t.Run(tr.name, func(t *testing.T) { l.suffer(t, &tr, loaded) })
		}
	}
}

// suffer goes through one trouble, with limits that are so much longer than they have to be.
func (l *lan) suffer(t *testing.T, tr *trouble, limit time.Duration) (r outcome) {
	l.t = t
	before := l.mark()
	ended := false
	defer func() {
		if !ended { // the next row begins with a whole cluster, whatever came of this one
			tr.end(l)
		}
	}()
	tr.begin(l)
	r.noticed = l.until("noticed", noticeLimit+limit, func() bool { return before.noticed(tr) })
	time.Sleep(tr.lasts) // the trouble goes on
	for _, text := range before.lost(tr) {
		t.Error(text)
	}
	tr.end(l)
	ended = true
	r.whole = l.until("one mesh again", healLimit+limit, l.meshed)
	t.Logf("%-24s noticed %5.2f s, one mesh again %5.2f s", tr.name, r.noticed.Seconds(), r.whole.Seconds())
	for i, m := range l.nodes {
		if pid := m.VM(); pid != l.vms[i] {
			t.Errorf("the VM of n%d was process %d and is %s", i+1, l.vms[i], strconv.Itoa(pid))
		}
	}
	return r
}

// A connection that a release ends on purpose is left alone for a while, by both nodes, and
// made again after that.
func TestRespect(t *testing.T) {
	t.Parallel()
	l := newLAN(t, 2, "beaminit.cluster.respect=6s")
	whole := time.Now()
	l.until("a mesh that is formed", loaded, func() bool { return time.Since(whole) > 5*time.Second }) // see forming
	begun := time.Now()
	l.nodes[0].Want(0, "true\n", "rpc", "erlang", "disconnect_node", "['eclero@n2']")
	for i, m := range l.nodes {
		m.Record("disconnected", 0, func(r health.Record) bool {
			return r.State == health.Degraded && r.Missing[0].Reason == "disconnected"
		})
		l.until("the end of the respect", loaded, l.meshed)
		if took := time.Since(begun); took < 5*time.Second {
			t.Errorf("n%d is connected again after %v\n%s", i+1, took, m.Tail())
		}
	}
}
