package e2e

import (
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

// A reboot, by the node's own program, and the power button of the machine, which ends the node in order. And what
// only a real kernel has: a real-time clock that set the time, and a core pattern.
func TestPowerButton(t *testing.T) {
	t.Parallel()
	l := up(t, 1, "beaminit.kernel.core_pattern=/data/core.%p")
	n := l.Nodes()[0]
	if err := l.WaitWhole(within(t)); err != nil {
		t.Fatal(err)
	}
	reach(t, n, "clock=rtc", func(r lab.Record) bool { return r.State == health.Up && r.Clock == "rtc" })
	if got := rpc(t, l, n, `file:read_file("/proc/sys/kernel/core_pattern")`); got != `{ok,<<"/data/core.%p\n">>}` {
		t.Errorf("core_pattern: %s", got)
	}
	before, _ := n.Last()
	rpc(t, l, n, `open_port({spawn_executable, "/sbin/reboot"}, [])`)
	reach(t, n, "the next boot", func(r lab.Record) bool { return r.Boot != before.Boot && r.State == health.Up })
	if err := n.Monitor("system_powerdown"); err != nil {
		t.Fatal(err)
	}
	waitStatus(t, l, n, lab.Off)
	tail := strings.Join(n.Tail(1000), "\n")
	for _, want := range []string{
		"the power button was pressed", "poweroff asked for by SIGUSR2", "poweroff: release stopped: ", "poweroff: unmount everything: ", "poweroff: sync again: ",
	} {
		if !strings.Contains(tail, want) {
			t.Errorf("want %q in\n%s", want, tail)
		}
	}
	if strings.Contains(tail, "Kernel panic") || strings.Contains(tail, "not come back") {
		t.Errorf("not in order:\n%s", tail)
	}
}
