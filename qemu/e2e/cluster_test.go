package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/scenario"
)

// One boot of three nodes serves all of these, one after the other; each leaves the
// cluster whole.
func TestCluster(t *testing.T) {
	nodes, err := lab.NodeSpecs(3)
	if err != nil {
		t.Fatal(err)
	}
	l := start(t, lab.Options{Nodes: nodes, Append: "sysrq_always_enabled"}, lab.Config(nodes, interval))
	whole := func(t *testing.T) {
		t.Helper()
		if err := l.WaitWhole(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	whole(t)
	six, eight, ten := l.Nodes()[0], l.Nodes()[1], l.Nodes()[2]

	t.Run("every node sees the two others", func(t *testing.T) {
		for _, n := range l.Nodes() {
			want := []string{}
			for _, other := range l.Nodes() {
				if other != n {
					want = append(want, "eclero@"+other.Name())
				}
			}
			slices.Sort(want)
			got := rpc(t, l, n, "lists:sort(nodes())")
			if got != "["+strings.Join(want, ",")+"]" {
				t.Errorf("nodes() of %s is %s, want %v", n.Name(), got, want)
			}
		}
	})

	t.Run("no epmd and nothing on its port", func(t *testing.T) {
		got := rpc(t, l, six, `gen_tcp:connect({127,0,0,1}, 4369, [], 2000)`)
		if got != "{error,econnrefused}" {
			t.Errorf("a connection to port 4369 inside gave %s", got)
		}
		got = rpc(t, l, six, `[P || P <- filelib:wildcard("/proc/[0-9]*/comm"), {ok, <<"epmd\n">>} =:= file:read_file(P)]`)
		if got != "[]" {
			t.Errorf("epmd runs: %s", got)
		}
	})

	t.Run("a call on the node itself", func(t *testing.T) {
		const run = `fun() ->
			P = open_port({spawn_executable, "/sbin/init"}, [{args, ["rpc", "erlang", "node"]}, exit_status, stderr_to_stdout]),
			(fun F(Text) -> receive {P, {data, D}} -> F(Text ++ D); {P, {exit_status, S}} -> {S, Text} end end)([]) end()`
		if got := rpc(t, l, eight, run); got != `{0,"eclero@eclero8\n"}` {
			t.Errorf("beaminit rpc erlang node: %s", got)
		}
	})

	t.Run("nothing that should not be there", func(t *testing.T) { looksInside(t, l, six) })

	t.Run("a node is cut off the LAN and put back", func(t *testing.T) { plays(t, l, "cut-and-heal") })

	t.Run("the VM is stopped inside", func(t *testing.T) {
		before, _ := ten.Last()
		poke(t, l, ten, syscall.SIGSTOP, before.PID)
		stopped, _ := ten.Last()
		var hung lab.Record
		reach(t, ten, "hung", func(r lab.Record) bool { hung = r; return r.State == health.Hung && r.Why != "" })
		// By the node's own records, one an interval: a busy machine is late with both.
		if n := hung.Seq - stopped.Seq; n > 4 {
			t.Errorf("hung %d records later, want within two probe intervals", n)
		}
		for _, n := range []*lab.Node{six, eight} {
			reach(t, n, "degraded without eclero10", missing("eclero10"))
		}
		reach(t, ten, "killed and started again", func(r lab.Record) bool { return r.Restarts > before.Restarts && r.State == health.Up })
		says(t, ten, `why="hung: no answer to the distribution handshake"`)
		whole(t)
	})

	t.Run("the VM is killed inside", func(t *testing.T) {
		before, _ := eight.Last()
		if err := eight.SysRq('f'); err != nil {
			t.Fatal(err)
		}
		reach(t, eight, "the release started once more", func(r lab.Record) bool { return r.Restarts == before.Restarts+1 && r.State == health.Up })
		after, _ := eight.Last()
		text := strings.Join(eight.Tail(300), "\n")
		if down := strings.LastIndex(text, "state=down"); down < 0 || !strings.Contains(text[down:], "SIGKILL") || !strings.Contains(text[down:], "state=starting") {
			t.Errorf("no down with its reason, and starting after it:\n%s", text)
		}
		if after.Boot != before.Boot || after.PID == before.PID {
			t.Errorf("boot %08x pid %d became boot %08x pid %d; want the same boot and another pid", before.Boot, before.PID, after.Boot, after.PID)
		}
		whole(t)
	})

	t.Run("a machine is killed and started again", func(t *testing.T) {
		before, _ := ten.Last()
		if err := ten.Kill(); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*lab.Node{six, eight} {
			reach(t, n, "degraded without eclero10", missing("eclero10"))
		}
		if err := ten.Start(); err != nil {
			t.Fatal(err)
		}
		whole(t)
		if after, _ := ten.Last(); after.Boot == before.Boot {
			t.Errorf("the boot number %08x is the old one", after.Boot)
		}
	})

	t.Run("a frozen machine is called dead", func(t *testing.T) {
		if err := six.Monitor("stop"); err != nil {
			t.Fatal(err)
		}
		waitStatus(t, l, six, lab.Dead)
		if err := six.Monitor("cont"); err != nil {
			t.Fatal(err)
		}
		whole(t)
	})
}

// onLab is a lab for a scenario that wants no host beside its nodes.
type onLab struct{ *lab.Lab }

func (onLab) Host(context.Context, string, []string) (func() error, error) {
	return nil, errors.New("a host is for lab play")
}

// plays plays a scenario on a lab that runs. What it expects within seconds may take longer
// here: a machine that is emulated on a busy host is slow.
func plays(t *testing.T, l *lab.Lab, name string) {
	t.Helper()
	f, err := scenario.Read("../scenarios/" + name + ".scenario")
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Steps {
		if f.Steps[i].Verb == "expect" {
			f.Steps[i].Limit = max(f.Steps[i].Limit, patience)
		}
	}
	if err := scenario.Play(t.Context(), onLab{l}, f, func(line string) { t.Log(line) }).Err(); err != nil {
		t.Error(err)
	}
}

func missing(peer string) func(lab.Record) bool {
	return func(r lab.Record) bool { return r.State == health.Degraded && r.Misses(peer) }
}

// reach waits for a record, a minute: a machine that is emulated on a busy host is slow.
func reach(t *testing.T, n *lab.Node, what string, ok func(lab.Record) bool) {
	t.Helper()
	if err := n.WaitState(within(t), ok); err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}

// waitStatus waits until the lab calls the node so.
func waitStatus(t *testing.T, l *lab.Lab, n *lab.Node, want health.State) {
	t.Helper()
	var got health.State
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		s, err := l.Status()
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range s.Nodes {
			if one.Name == n.Name() {
				got = one.State
			}
		}
		if got == want {
			return
		}
	}
	t.Fatalf("%s is %s, want %s\n%s", n.Name(), got, want, strings.Join(n.Tail(100), "\n"))
}

// patience is how long a machine may take for anything, a boot included: emulated, beside
// others, on a machine with a load of its own.
const patience = 5 * time.Minute

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// rpc evaluates an expression on a node and gives its value as Erlang prints it.
func rpc(t *testing.T, l *lab.Lab, n *lab.Node, expr string) string {
	t.Helper()
	return ask(t, l, parsed(expr)+fmt.Sprintf(`
		io:format("~0p", [case rpc:call('eclero@%s', erl_eval, exprs, [Exprs, []], 60000) of
			{value, V, _} -> V;
			Else -> Else
		end])`, n.Name()))
}

// cast evaluates an expression on a node and does not wait for it.
func cast(t *testing.T, l *lab.Lab, n *lab.Node, expr string) {
	t.Helper()
	ask(t, l, parsed(expr)+fmt.Sprintf(`
		Node = 'eclero@%s', pong = net_adm:ping(Node), rpc:cast(Node, erl_eval, exprs, [Exprs, []]), timer:sleep(500)`, n.Name()))
}

// call calls "Module, Function, Arguments" on a node; the arguments are made here.
func call(t *testing.T, l *lab.Lab, n *lab.Node, mfa string) string {
	t.Helper()
	return ask(t, l, fmt.Sprintf(`io:format("~0p", [rpc:call('eclero@%s', %s, 60000)])`, n.Name(), mfa))
}

func parsed(expr string) string {
	return fmt.Sprintf(`{ok, Tokens, _} = erl_scan:string(%q ++ "."), {ok, Exprs} = erl_parse:parse_exprs(Tokens), `, expr)
}

// ask has an ordinary Erlang of this machine, which "lab join" puts on the LAN,
// evaluate an expression, and gives what that printed.
func ask(t *testing.T, l *lab.Lab, eval string) string {
	t.Helper()
	return join(t, l, "erl", "-noinput", "-hidden", "-sname", "test", "-start_epmd", "false",
		"-erl_epmd_port", fmt.Sprint(lab.Port), "-setcookie", cookie(t, l), "-eval", eval+", halt().")
}
