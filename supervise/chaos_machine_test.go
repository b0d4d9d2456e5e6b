package supervise_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/supervise"
	"golang.org/x/sys/unix"
)

// How much of the chaos there is, and which: "make chaos" has thousands.
var (
	chaosEvents = flag.Int("chaos.events", 60, "how many events TestChaos goes through")
	chaosBoots  = flag.Int("chaos.boots", 60, "how many boots are cut off or signalled in their first milliseconds")
	chaosSeed   = flag.Uint64("chaos.seed", 0, "which events; 0: others each time")
)

// eventsOfAMachine is after how many events the next machine is taken: PID 1 falls a
// few times on each, and what is left behind must not hide what comes after.
const eventsOfAMachine = 60

// chaos is a machine to which everything happens, and what must be true of it.
type chaos struct {
	*machine.Machine
	rand   *rand.Rand
	store  string // its data disk, a small file system in memory
	seen   int    // records that were looked at
	ends   map[string]int
	runs   int // of the VM that have ended
	falls  int
	recent int // falls since the last reexec
	last   int // the process of the last VM that was up
	old    int // of one that was ended on purpose
	trace  []string
}

// TestChaos does to a node with a real release whatever a field does to one, and looks
// after each event that PID 1 lives, that there is one VM or a reason for none, no
// zombie, no lost exit status, and that the health records tell the truth.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("go test -run TestChaos ./supervise -chaos.events %d -chaos.seed %d", *chaosEvents, seed)
	r := rand.New(rand.NewPCG(seed, 1))
	counts := map[string]int{}
	for left := *chaosEvents; left > 0; left -= eventsOfAMachine {
		chaosOnce(t, r, min(left, eventsOfAMachine), counts)
	}
	t.Logf("%v", counts)
}

func chaosOnce(t *testing.T, r *rand.Rand, events int, counts map[string]int) {
	c := newChaos(t, r)
	defer c.Machine.PowerOff()
	defer func() {
		if t.Failed() {
			t.Logf("the events:\n%s", strings.Join(c.trace, "\n"))
		}
	}()
	c.settle()
	for range events {
		e := c.choose()
		counts[e.name]++
		c.trace = append(c.trace, fmt.Sprintf("%v %s", time.Now().Format("15:04:05.000"), e.name))
		e.do(c)
		c.settle()
	}
	c.Signal(unix.SIGTERM)
	if got := c.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}

func newChaos(t *testing.T, r *rand.Rand) *chaos {
	store := t.TempDir()
	if err := unix.Mount("store", store, "tmpfs", 0, "size=2m,mode=0755"); err != nil {
		t.Skip("no tmpfs to fill: ", err)
	}
	t.Cleanup(func() { unix.Unmount(store, unix.MNT_DETACH) })
	s := machine.WithERTS(t, "hostname=node1", "[[mount]]\nsource = \"/mnt\"\ntarget = \"/data\"\noptions = [\"bind\"]\n\n"+
		"[supervise]\nbackoff = [\"5ms\", \"20ms\"]\nattempts = 1000\nwindow = \"1s\"\nstop_timeout = \"5s\"\n")
	s.TOML = strings.ReplaceAll(s.TOML, `"1s"`+"\nprobe_timeout", `"300ms"`+"\nprobe_timeout")
	s.Program, s.Writable, s.Dirs = machine.Faulty(t), true, []string{"mnt"}
	s.Bind["mnt"] = store
	if err := os.WriteFile(filepath.Join(store, "cookie"), []byte("namespace-cookie"), 0o400); err != nil {
		t.Fatal(err)
	}
	return &chaos{Machine: machine.Start(t, s), rand: r, store: store, ends: map[string]int{}}
}

// choose takes an event by its weight.
func (c *chaos) choose() event {
	total := 0
	for _, e := range chaosTable {
		total += e.weight
	}
	n := c.rand.IntN(total)
	for _, e := range chaosTable {
		if n -= e.weight; n < 0 {
			return e
		}
	}
	panic("no event")
}

// settle waits for what must be true after each event.
func (c *chaos) settle() {
	c.T.Helper()
	if err := unix.Kill(c.PID(), 0); err != nil {
		c.T.Fatalf("PID 1: %v\n%s", err, c.Tail())
	}
	for why, n := range c.ends { // no exit status is lost, none is told twice
		c.Await(fmt.Sprintf("%d ends with %q", n, why), nstest.Patience, func() bool { return c.Count("the release ended: "+why) >= n })
		if got := c.Count("the release ended: " + why); got != n {
			c.T.Fatalf("%d ends with %q, want %d\n%s", got, why, n, c.Tail())
		}
	}
	r, next := c.Record(fmt.Sprintf("up after %d ends", c.runs), c.seen, func(r health.Record) bool {
		return r.State == health.Up && r.Restarts == c.runs && r.PID != c.old
	})
	c.last = r.PID
	c.seen = next - 1 // it may still be the last word
	if vm := childNumbered(c.Machine, r.PID); vm != c.VM() {
		c.T.Fatalf("the record says %d, the VM is %d\n%s", vm, c.VM(), c.Tail())
	}
	if n := c.vms(); n != 1 {
		c.T.Fatalf("%d VMs\n%s", n, c.Tail())
	}
	c.WaitNoZombies()
	if _, garbled, err := history.Read(filepath.Join(c.store, "beaminit")); garbled > 0 || err != nil {
		c.T.Fatalf("the history has %d bytes that are no entries (%v)\n%s", garbled, err, c.Tail())
	}
}

// vms counts the VMs below PID 1, those that are about to become one too.
func (c *chaos) vms() (n int) {
	for _, pid := range children(c.PID()) {
		comm, _ := os.ReadFile("/proc/" + pid + "/comm")
		if name := strings.TrimSpace(string(comm)); name == "beam.smp" || name == "erlexec" {
			n++
		}
	}
	return n
}

// end notes that the VM is about to end in this way.
func (c *chaos) end(why string) {
	c.ends[why]++
	c.runs++
}

// A signal in the first milliseconds of PID 1 is obeyed where it means something to it, and
// is never its end in any other way. From a kernel nobody is there to send one before main.
func TestEarlySignals(t *testing.T) {
	t.Parallel()
	signals := []unix.Signal{unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGINT, unix.SIGPWR, unix.SIGHUP, unix.SIGCHLD, unix.SIGQUIT}
	for i := range *chaosBoots {
		sig := signals[i%len(signals)]
		m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork})
		awaitInit(m)
		awaitMain(m)
		time.Sleep(time.Duration(rand.IntN(5000<<(i%4))) * time.Microsecond) // anywhere in them, and a little later
		m.Signal(sig)
		if _, why := supervise.ActionOf(sig); why != "" {
			m.Line("asked for by " + why)
			if got := m.Ended(); got != unix.SIGHUP && got != unix.SIGINT {
				t.Fatalf("%v: PID 1 ended by %v\n%s", sig, got, m.Tail())
			}
		} else {
			m.State(health.Rescue, 0)
		}
		m.PowerOff()
	}
}

// Whenever the power goes, the history of the boots before can be read, and nothing that
// was in it is lost.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	s := machine.WithState()
	s.Bind = map[string]string{"store": store}
	remembered := func() []history.Entry {
		entries, garbled, err := history.Read(filepath.Join(store, "beaminit"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if garbled > history.MaxFile/64 { // torn ones that the next boot clears away
			t.Fatalf("%d bytes are no entries", garbled)
		}
		return entries
	}
	whole := machine.Start(t, s)
	whole.Eventually("remember the boot", func() bool { return len(remembered()) > 0 })
	whole.State(health.Rescue, 0)
	lines := len(whole.Lines())
	whole.PowerOff()
	last := remembered()
	for range *chaosBoots {
		m, after := machine.Start(t, s), rand.IntN(lines+lines/2)
		awaitInit(m)
		if after <= lines {
			m.Await(fmt.Sprintf("line %d of %d", after, lines), nstest.Patience, func() bool { return len(m.Lines()) >= after })
		} else { // while it is written down
			m.Eventually("remember something", func() bool { return !slices.Equal(remembered(), last) })
		}
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) // anywhere between two lines
		m.PowerOff()
		entries := remembered()
		if n := len(last); !slices.Contains(entries, last[n-1]) {
			t.Fatalf("after a power cut there are %d entries, and the last of the %d before is none of them", len(entries), n)
		}
		last = entries
	}
	t.Logf("%d entries after %d boots", len(last), *chaosBoots)
}

// awaitMain waits for the first that PID 1 does when it listens: it mounts /sys.
func awaitMain(m *machine.Machine) {
	m.T.Helper()
	mounts := "/proc/" + strconv.Itoa(m.PID()) + "/mounts"
	for deadline := time.Now().Add(nstest.Patience); time.Now().Before(deadline); {
		if text, _ := os.ReadFile(mounts); strings.Contains(string(text), " /sys ") {
			return
		}
	}
	m.T.Fatalf("PID 1 mounts nothing\n%s", m.Tail())
}

// awaitInit waits until the init has taken the place of the program that made its
// namespaces.
func awaitInit(m *machine.Machine) {
	m.T.Helper()
	exe := "/proc/" + strconv.Itoa(m.PID()) + "/exe"
	deadline := time.Now().Add(nstest.Patience)
	for time.Now().Before(deadline) {
		if name, _ := os.Readlink(exe); strings.HasSuffix(name, "/sbin/init") {
			return
		}
	}
	m.T.Fatalf("no init\n%s", m.Tail())
}
