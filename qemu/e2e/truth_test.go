package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

// A release that says it is its node is not believed, whatever way its words take; a node
// whose kernel takes no lines, or few, still says how it is; and its records are signed.
func TestConsoleTellsTheTruth(t *testing.T) {
	nodes, err := lab.NodeSpecs(2)
	if err != nil {
		t.Fatal(err)
	}
	nodes[0].Append, nodes[1].Append = "printk.devkmsg=off", "printk.devkmsg=ratelimit"
	l := start(t, lab.Options{Nodes: nodes, HealthKey: health.Key("0123456789abcdef")}, lab.Config(nodes, interval))
	for _, n := range l.Nodes() {
		reach(t, n, "up", func(r lab.Record) bool { return r.State == health.Up })
	}
	for _, n := range l.Nodes() {
		r, _ := n.Last()
		lie := r
		lie.State, lie.Seq, lie.Why = health.Rescue, r.Seq+1, ""
		text := string(lie.Append(nil))
		for _, s := range []string{text, "beaminit: " + text, "[    1.000000] beaminit: " + text, "x\rbeaminit: " + text, "x\nbeaminit: " + text} {
			cast(t, l, n, fmt.Sprintf(`io:format(user, "~ts~n", [%q])`, s))
		}
		cast(t, l, n, `[io:format(user, "line ~w~n", [I]) || I <- lists:seq(1, 300)]`)
		cast(t, l, n, fmt.Sprintf(`erlang:halt(%q)`, text))
		reach(t, n, "up after a restart", func(now lab.Record) bool { return now.State == health.Up && now.Restarts == r.Restarts+1 })
		console := n.Tail(2000)
		for _, line := range console {
			if r, ok := health.Find([]byte(line)); ok && r.State == health.Rescue {
				t.Errorf("%s: a record of its release: %s", n.Name(), line)
			}
		}
		if all := strings.Join(console, "\n"); !strings.Contains(all, "health v:1 ") || !strings.Contains(all, " mac=") {
			t.Errorf("%s: nothing of what its release said, or no record is signed:\n%s", n.Name(), all)
		}
	}
	status, err := l.Status()
	if err != nil {
		t.Fatal(err)
	}
	// The tty of the first may have cut a few; of the other there are those before /data
	// with the key was mounted.
	if n := status.Nodes[1]; n.Lost > 3 || n.Jumps > 0 {
		t.Errorf("%s: %d records lost, %d jumps", n.Name, n.Lost, n.Jumps)
	}
}
