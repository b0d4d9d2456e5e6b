package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/scenario"
)

// crashes is a configuration whose release ends at once.
const crashes = "[release]\nargs = [\"-eval\", \"halt(3).\"]\n[supervise]\nattempts = 1\nwindow = \"10m\"\n"

// A board with two slots, GRUB with its environment block, and RAUC, all of Debian: an update whose
// release crashes falls back by itself; and in make updates, after a good one, which is confirmed.
func TestUpdate(t *testing.T) {
	t.Parallel()
	s := newSlots(t)
	good := s.system("good", boardTOML("", "5m"), nil)
	crashing := s.system("crashing", boardTOML(crashes, "5m"), nil)
	b := startBoard(t, s, good, s.bundle("good", good), s.bundle("crashing", crashing))
	has, other, bad, confirmed := "A", "B", "rootfs.1", 2
	b.confirmed(has)
	if *soak {
		b.install("good")
		has, other, bad, confirmed = "B", "A", "rootfs.0", 3
		b.confirmed(has)
	}
	b.install("crashing")
	b.says("update: slot " + other + " is given up: gave up after 2 ends within 10m0s: exit status 3; the node reboots")
	b.says("update.reject: rauc status: marked slot " + bad + " as bad")
	b.confirmed(has)
	if history := beaminit(t, b.lab, b.node, "history"); !strings.Contains(history, "slot "+other+" is given up: gave up after 2 ends") || strings.Count(history, "is confirmed") != confirmed {
		t.Errorf("the history has not what happened:\n%s", history)
	}
}

// Whatever else can be wrong with an update, the board has its old system again by itself.
func TestUpdateFallsBack(t *testing.T) {
	if !*soak {
		t.Skip("make soak runs it; TestUpdate has one that is good and one that crashes")
	}
	t.Parallel()
	s := newSlots(t)
	good := s.system("good", boardTOML("", "5m"), nil)
	bundles := []string{s.bundle("good", good)}
	broken := []struct{ name, toml, file, line string }{
		{"hanging", boardTOML("ready = \"notify\"\n", "30s"), "", "update: slot B is given up: not up within 30s; the node reboots"},
		{"nothing", boardTOML("[release]\npath = [\"/no/such\"]\n", "5m"), "", "update: slot B is given up: "},
		{"panicking", boardTOML("", "5m"), "boot/initrd", "Kernel panic - not syncing: VFS: Unable to mount root fs"},
		{"unbootable", boardTOML("", "5m"), "boot/vmlinuz", "GRUB: slot B does not start"},
	}
	for _, c := range broken {
		bundles = append(bundles, s.bundle(c.name, s.system(c.name, c.toml, func(dir string) error {
			if c.file == "" {
				return nil
			}
			file := filepath.Join(dir, c.file)
			if err := os.Remove(file); err != nil { // the others have it too
				return err
			}
			return os.WriteFile(file, make([]byte, 1<<20), 0o644)
		})))
	}
	b := startBoard(t, s, good, bundles...)
	b.confirmed("A")
	for _, c := range broken {
		b.install(c.name)
		b.says(c.line)
		b.confirmed("A")
	}
}

// The power is cut while an update is written: the board has the system that it had, and takes the next one.
func TestUpdateCut(t *testing.T) {
	if !*soak {
		t.Skip("make soak runs it")
	}
	t.Parallel()
	s := newSlots(t)
	good := s.system("good", boardTOML("", "5m"), nil)
	b := startBoard(t, s, good, s.bundle("good", good))
	b.confirmed("A")
	b.begin("good")
	b.says("Copying image to rootfs.1")
	s.must(b.node.Kill())
	s.must(b.node.Start())
	b.confirmed("A")
	b.install("good")
	b.confirmed("B")
}

// boards is a lab of them, which knows one verb more: update NODE BUNDLE.
type boards struct {
	onLab
	t *testing.T
}

// Do does that, or a verb of every lab.
func (b boards) Do(words ...string) error {
	if len(words) != 3 || words[0] != "update" {
		return b.onLab.Do(words...)
	}
	for _, n := range b.Nodes() {
		if n.Name() == words[1] {
			(&board{t: b.t, lab: b.Lab, node: n}).install(words[2])
			return nil
		}
	}
	return fmt.Errorf("there is no node %s", words[1])
}

// A cluster is updated node by node: each is on trial until it is connected to all others.
func TestUpdateRolling(t *testing.T) {
	if !*soak {
		t.Skip("make soak runs it")
	}
	t.Parallel()
	s := newSlots(t)
	peers := "[peers]\neclero6 = \"192.168.7.6\"\neclero8 = \"192.168.7.8\"\neclero10 = \"192.168.7.10\"\n"
	good := s.system("good", boardTOML(peers, "5m")+"peers = true\n", nil)
	crashing := s.system("crashing", boardTOML(peers+crashes, "5m")+"peers = true\n", nil)
	l := startBoards(t, s, 3, good, s.bundle("good", good), s.bundle("crashing", crashing))
	f, err := scenario.Read("testdata/rolling-update.scenario")
	s.must(err)
	s.must(scenario.Play(t.Context(), boards{onLab{l}, t}, f, func(line string) { t.Log(line) }).Err())
}

// board is such a machine.
type board struct {
	t    *testing.T
	lab  *lab.Lab
	node *lab.Node
	boot uint32 // the last one that was looked at
}

func startBoard(t *testing.T, s *slots, system string, bundles ...string) *board {
	t.Helper()
	l := startBoards(t, s, 1, system, bundles...)
	return &board{t: t, lab: l, node: l.Nodes()[0]}
}

// startBoards starts boards, each with a disk of its own.
func startBoards(t *testing.T, s *slots, count int, system string, bundles ...string) *lab.Lab {
	t.Helper()
	nodes, err := lab.NodeSpecs(count)
	s.must(err)
	for i := range nodes {
		n := &nodes[i]
		n.BootDisk = s.board(n.Name, system, fmt.Sprintf("ip=%s::%s:%s:%s:eth0:off", n.Address, lab.Gateway, lab.Netmask, n.Name), bundles...)
	}
	return startSet(t, lab.Options{Nodes: nodes, Memory: 384}, s.set)
}

// confirmed waits until another boot is up in that slot, and was on trial and is confirmed.
func (b *board) confirmed(slot string) {
	b.t.Helper()
	before := b.boot
	reach(b.t, b.node, "up in slot "+slot+", confirmed", func(r lab.Record) bool {
		b.boot = r.Boot
		return r.Boot != before && r.State == health.Up && r.Slot == slot && !r.Trial
	})
	b.says("update: slot " + slot + " is confirmed")
}

func (b *board) says(line string) {
	b.t.Helper()
	if _, err := b.node.WaitLine(within(b.t), line); err != nil {
		b.t.Fatal(err)
	}
}

// install has RAUC install a bundle into the other slot, and the node reboot.
func (b *board) install(bundle string) {
	b.t.Helper()
	b.begin(bundle)
	b.says("installed " + bundle + ": 0")
	cast(b.t, b.lab, b.node, `open_port({spawn_executable, "/sbin/init"}, [{arg0, "reboot"}])`)
}

// begin has RAUC begin to; what it says is on the console.
func (b *board) begin(bundle string) {
	b.t.Helper()
	cast(b.t, b.lab, b.node, `spawn(fun() -> P = open_port({spawn_executable, "/usr/bin/rauc"}, [{args, ["install", "/bundles/`+bundle+`.raucb"]}, exit_status, stderr_to_stdout, binary]), `+
		`(fun F() -> receive {P, {data, D}} -> io:format(user, "~s", [D]), F(); {P, {exit_status, S}} -> io:format(user, "installed `+bundle+`: ~p~n", [S]) end end)() end)`)
}
