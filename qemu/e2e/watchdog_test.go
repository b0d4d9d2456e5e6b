package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// watchdogTimeout is that of the tests: short, and yet long for a machine that is
// emulated on a busy host.
const watchdogTimeout = 10 * time.Second

// QEMU's i6300ESB resets the machine whose VM or whose PID 1 stands still, and leaves
// one alone that is well, or halts.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	l := watched(t, "beaminit.health.probe_failures=0")
	n := l.Nodes()[0]
	if err := l.WaitWhole(within(t)); err != nil {
		t.Fatal(err)
	}
	says(t, n, "watchdog: i6300ESB timer on /dev/watchdog resets the machine 10s after the last pet")
	first, _ := n.Last()
	if text := strings.Join(n.Tail(1000), "\n"); strings.Contains(text, "it was the watchdog") {
		t.Errorf("the first boot was no reset:\n%s", text)
	}

	t.Run("neither time nor restarts are a reason", func(t *testing.T) {
		for range 2 {
			before, _ := n.Last()
			cast(t, l, n, "erlang:halt(3)")
			reach(t, n, "up again", func(r lab.Record) bool {
				return r.Boot != first.Boot || r.Restarts > before.Restarts && r.State == health.Up
			})
		}
		reach(t, n, "three timeouts later", func(r lab.Record) bool { return r.Boot != first.Boot || r.Up > first.Up+3*watchdogTimeout })
		r, _ := n.Last()
		if r.Boot != first.Boot || r.State != health.Up {
			t.Fatalf("boot %08x became %08x, %s", first.Boot, r.Boot, r.State)
		}
		first = r // with the pid of the VM that runs now
	})
	t.Run("the VM is stopped", func(t *testing.T) {
		poke(t, l, n, syscall.SIGSTOP, first.PID)
		says(t, n, "watchdog: hung: no answer to the distribution handshake: no more pets, it resets the machine within 10s")
		first = wasReset(t, n, first)
	})
	t.Run("the loop of PID 1 stands still", func(t *testing.T) {
		rpc(t, l, n, `file:write_file("/data/hang-turn", [])`)
		first = wasReset(t, n, first)
	})
	t.Run("halt", func(t *testing.T) {
		rpc(t, l, n, `open_port({spawn_executable, "/sbin/halt"}, [])`)
		says(t, n, "reboot: System halted")
		// A halted machine says nothing: what it does not do can only be waited for.
		lines := n.Lines()
		time.Sleep(3 * watchdogTimeout / 2)
		if after := n.Lines(); after != lines {
			t.Errorf("it did not stay halted:\n%s", strings.Join(n.Tail(100), "\n"))
		}
	})
}

// An initramfs whose root never comes has the watchdog open, and pets it for longer than that
// has patience, until the node gives up and reboots as panic= says: another boot begins.
func TestWatchdogWithoutRoot(t *testing.T) {
	if !*soak {
		t.Skip("make boards runs it, for make soak")
	}
	t.Parallel()
	l := watched(t, "root=/dev/nosuch rootwait=0 beaminit.root.timeout=7s beaminit.watchdog.timeout=3s")
	n := l.Nodes()[0]
	says(t, n, "watchdog: i6300ESB timer on /dev/watchdog resets the machine 3s after the last pet")
	reach(t, n, "the end of it", func(r lab.Record) bool {
		return r.State == health.Stopping && strings.HasPrefix(r.Why, "no root after ")
	})
	first, _ := n.Last()
	reach(t, n, "the next boot", func(r lab.Record) bool { return r.Boot != first.Boot })
	text := strings.Join(n.Tail(1000), "\n")
	if !strings.Contains(text, "reboot in 5s (panic=)") || strings.Contains(text, "it was the watchdog") {
		t.Errorf("it was not that which ended the boot:\n%s", text)
	}
}

// says waits for a line.
func says(t *testing.T, n *lab.Node, text string) {
	t.Helper()
	if _, err := n.WaitLine(within(t), text); err != nil {
		t.Fatal(err)
	}
}

// wasReset waits for the boot after this one, which knows how it came about, and gives
// its record.
func wasReset(t *testing.T, n *lab.Node, before lab.Record) lab.Record {
	t.Helper()
	reach(t, n, "the next boot", func(r lab.Record) bool { return r.Boot != before.Boot && r.State == health.Up })
	says(t, n, "watchdog: it was the watchdog that reset this machine")
	r, _ := n.Last()
	return r
}

// watched boots a node with a watchdog (and the checksum without which ext4 mounts
// nothing: Debian's cloud kernel has it built in) and an init that can be made to stand still.
func watched(t *testing.T, cmdline string) *lab.Lab {
	t.Helper()
	nodes, err := lab.NodeSpecs(1)
	if err != nil {
		t.Fatal(err)
	}
	if *kernel == "" {
		if *kernel, err = image.FindKernelWith("i6300esb"); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(t.TempDir(), "init")
	cmd := exec.Command("go", "build", "-trimpath", "-tags=fault", "-ldflags=-s -w", "-o", program, "./cmd/init")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the init: %v\n%s", err, out)
	}
	config := append(lab.Config(nodes, interval), "\n[watchdog]\ntimeout = \"10s\"\n"...)
	return startImage(t, lab.Options{Nodes: nodes, Append: cmdline, Devices: []string{"i6300esb"}},
		image.Spec{Init: program, Kernel: *kernel, Config: config, Modules: []string{"i6300esb", "crc32c_generic"}})
}
