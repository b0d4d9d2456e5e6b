package e2e

import (
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
)

// A release that takes more memory than its cgroup may have dies alone and is started again, with
// its limit as the reason; what it leaves is gone then; and a service that is a fork bomb is held.
// On a kernel that has no limit of memory, and counts no pressure, a line says so.
func TestCgroups(t *testing.T) {
	t.Parallel()
	nodes, err := lab.NodeSpecs(2)
	if err != nil {
		t.Fatal(err)
	}
	nodes[1].Append = "cgroup_disable=memory psi=0"
	l := start(t, lab.Options{Nodes: nodes}, append(lab.Config(nodes, interval), `
[release]
cgroup = ["memory.max=120M", "memory.oom.group=1", "cpu.weight=200", "cpu.max=max 50000", "io.weight=200", "pids.max=max", "memory.swap.max=0"]
[[service]]
name = "bomb"
exec = ["/data/poke", "bomb"]
restart = "never"
cgroup = ["pids.max=30"]
[[service]]
name = "eater"
exec = ["/data/poke", "eat"]
restart = "never"
cgroup = ["memory.max=20M", "memory.swap.max=0"]
`...))
	n, without := l.Nodes()[0], l.Nodes()[1]
	up := func(restarts int) lab.Record {
		t.Helper()
		var at lab.Record
		reach(t, n, "up", func(r lab.Record) bool { at = r; return r.State == health.Up && r.Restarts == restarts })
		return at
	}
	first := up(0)
	got := rpc(t, l, n, `[element(2, file:read_file("/sys/fs/cgroup/release/" ++ F)) || F <- ["memory.max", "memory.oom.group", "cpu.weight", "cpu.max", "io.weight", "pids.max"]] ++ [element(2, file:read_file("/proc/self/cgroup"))]`)
	if want := `[<<"125829120\n">>,<<"1\n">>,<<"200\n">>,<<"max 50000\n">>,<<"default 200\n">>,<<"max\n">>,<<"0::/release\n">>]`; got != want {
		t.Errorf("its cgroup is %s, want %s", got, want)
	}
	if all := strings.Join(n.Tail(500), "\n"); strings.Contains(all, "is not set") {
		t.Errorf("something is not set:\n%s", all)
	}

	says(t, without, "cgroup of the release: memory.max=120M is not set: cgroup2 has no controller memory; want CONFIG_MEMCG in the kernel, no cgroup_disable=memory, ")
	reach(t, without, "up", func(r lab.Record) bool { return r.State == health.Up })
	if status := beaminit(t, l, without, "status"); strings.Contains(status, "pressure") || !strings.Contains(status, "cgroup    release: ") {
		t.Errorf("the status without a limit of memory is\n%s", status)
	}

	putPoke(t, l, n)
	beaminit(t, l, n, "service", "bomb", "start")
	held := rpc(t, l, n, `(fun F() -> case file:read_file("/sys/fs/cgroup/service.bomb/pids.events") of {ok, <<"max 0", _/binary>>} -> timer:sleep(100), F(); Known -> Known end end)()`)
	if !strings.Contains(held, `{ok,<<"max `) {
		t.Errorf("the fork bomb: %s", held)
	}
	if status := beaminit(t, l, n, "status"); !strings.Contains(status, "pressure  memory ") || !strings.Contains(status, "cgroup    release: ") ||
		!strings.Contains(status, " of 120 MiB, ") || !strings.Contains(status, " of 30 tasks, pressure memory ") {
		t.Errorf("the status is\n%s", status)
	}

	beaminit(t, l, n, "service", "eater", "start")
	says(t, n, "service eater ended (killed by signal 9 (SIGKILL) by the OOM killer, at memory.max=20M of its cgroup)")
	cast(t, l, n, `open_port({spawn_executable, "/data/poke"}, [{args, ["stay"]}]), timer:sleep(300), erlang:halt(3)`)
	up(1)
	says(t, n, `the release left behind in its cgroup, killed: 1 process: "poke" (pid `)

	// Not by the VM itself: that would read its own program from the disk again and again, for long.
	cast(t, l, n, `open_port({spawn_executable, "/data/poke"}, [{args, ["eat"]}])`)
	if last := up(2); last.Boot != first.Boot {
		t.Error("the node has booted anew")
	}
	says(t, n, "the release ended: killed by signal 9 (SIGKILL) by the OOM killer, at memory.max=120M of its cgroup (pid ")
}

// beaminit runs a command of beaminit on a node, and gives what it prints.
func beaminit(t *testing.T, l *lab.Lab, n *lab.Node, args ...string) string {
	t.Helper()
	list := `["` + strings.Join(args, `", "`) + `"]`
	out := rpc(t, l, n, `(fun F(P, All) -> receive {P, {data, D}} -> F(P, All ++ D); {P, {exit_status, _}} -> {said, All} end end)(open_port({spawn_executable, "/sbin/init"}, [{arg0, "beaminit"}, {args, `+list+`}, exit_status, stderr_to_stdout]), [])`)
	if !strings.HasPrefix(out, "{said,") {
		t.Errorf("beaminit %v: %s", args, out)
	}
	return strings.ReplaceAll(out, `\n`, "\n")
}
