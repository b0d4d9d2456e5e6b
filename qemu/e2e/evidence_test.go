package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

// A node tells why its release died: by the kernel's OOM killer, by a slogan of its own;
// and what it left is on the disk, and there after a reboot.
func TestEvidence(t *testing.T) {
	t.Parallel()
	l := up(t, 1, "sysrq_always_enabled beaminit.dump.keep=2")
	n := l.Nodes()[0]
	well := func(restarts int) {
		t.Helper()
		reach(t, n, fmt.Sprintf("up after %d restarts", restarts), func(r lab.Record) bool { return r.State == health.Up && r.Restarts == restarts })
	}
	says := func(text string) {
		t.Helper()
		if all := strings.Join(n.Tail(300), "\n"); !strings.Contains(all, text) {
			t.Errorf("no line says %q:\n%s", text, all)
		}
	}
	well(0)
	if err := n.SysRq('f'); err != nil {
		t.Fatal(err)
	}
	well(1)
	says(`state=down restarts=0 peers=0/0 why="killed by signal 9 (SIGKILL) by the OOM killer" `)
	says("the release ended: killed by signal 9 (SIGKILL) by the OOM killer (pid ")
	says("kept: last output /data/beaminit/dumps/last-output-")

	cast(t, l, n, `erlang:halt("the reactor is too hot")`)
	well(2)
	says(`why="exit status 1: the reactor is too hot" `)
	cast(t, l, n, `erlang:halt("and again")`)
	well(3)
	dumps := rpc(t, l, n, `lists:sort(filelib:wildcard("/data/beaminit/dumps/*"))`)
	if strings.Count(dumps, "erl_crash-") != 2 || strings.Count(dumps, "last-output-") != 2 {
		t.Errorf("dumps: %s", dumps)
	}
	r, _ := n.Last()
	head := rpc(t, l, n, fmt.Sprintf(`element(2, file:read_file("/data/beaminit/dumps/erl_crash-%08x-3.dump"))`, r.Boot))
	if !strings.Contains(head, "Slogan: and again") {
		t.Errorf("the dump: %.300s", head)
	}
}
