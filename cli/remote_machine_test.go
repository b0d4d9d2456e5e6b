package cli_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
)

// calls are calls of functions of a release, and what comes of them.
func calls(m *machine.Machine, t *testing.T, node string) {
	t.Helper()
	for _, c := range []struct {
		status int
		text   string
		args   []string
	}{
		{0, node + "\n", []string{"erlang", "node"}},
		{0, "[{1,\"a\"},<<\"é\"/utf8>>,#{a => 1.5}]\n", []string{"lists", "reverse", `[[#{a => 1.5},<<"é"/utf8>>,{1,"a"}]]`}},
		{0, "héok\n", []string{"io", "put_chars", `["hé"]`}},
		{1, "beaminit rpc: {undef,[{no_such,module,[],[]}]}\n", []string{"no_such", "module", "[]"}},
		{1, "beaminit rpc: nodedown\n", []string{"rpc", "call", "[a@nowhere, erlang, node, []]"}},
		{1, "beaminit rpc: {throw,é}\n", []string{"erlang", "throw", "['é']"}},
		{1, "no result within 1 s", []string{"-t", "1", "timer", "sleep", "[60000]"}},
		{2, "want an Erlang list", []string{"erlang", "node", "a"}},
		{2, "syntax error", []string{"erlang", "node", "[1"}},
		{2, "want [-t SEC] MODULE", []string{"erlang"}},
	} {
		out, status := m.Ask(append([]string{"rpc"}, c.args...)...)
		out = strings.ReplaceAll(out, "'", "") // a long name of a node has quotes
		if status != c.status || !strings.Contains(out, c.text) || strings.HasSuffix(c.text, "\n") && out != c.text {
			t.Errorf("rpc %q: exit status %d, %q; want %d, %q", c.args, status, out, c.status, c.text)
		}
	}
}

// Remote shells of each kind of release, and calls of its functions, on a machine that
// has no shell and nothing that can be written to but /run.
func TestRemote(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		release, toml string
		iex           bool
	}{
		{"systools", "", false},
		{"relx/own", "", false},
		{"relx/bare", "[release]\nuser = \"app\"\n", false},
		{"mix/runtime", "[distribution]\nnames = \"long\"\n", true},
		{"newer/systools", "", false},
		{"newer/relx/own", "[release]\nuser = \"app\"\n", false},
		{"newer/mix/runtime", "", true},
	} {
		t.Run(k.release, func(t *testing.T) {
			t.Parallel()
			s := machine.WithRelease(t, machine.Release(t, k.release), "hostname=n1.farm.lan", k.toml)
			s.Files["etc/passwd"] = "root:x:0:0::/:\napp:x:1000:1001::/:\n"
			m := machine.Start(t, s)
			r, _ := m.State(health.Up, 0)
			m.Visited(t, k.iex)
			calls(m, t, r.Node)
			m.Alone()
		})
	}
}

// Who asks has another name than who asked before: a VM that has not noticed yet that the one
// before is gone refuses it.
func TestNextHasAnotherName(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=n1", ""))
	m.State(health.Up, 0)
	seen := map[string]bool{}
	for range 5 {
		out, status := m.Ask("rpc", "erlang", "nodes", "[hidden]")
		if status != 0 || seen[out] || !strings.Contains(out, "beaminit-ask-") {
			t.Errorf("exit status %d, %q; want a name that is not in %v", status, out, seen)
		}
		seen[out] = true
	}
}

// sessionOf is the session of a process (proc(5), stat), and fileOf what a descriptor of it
// leads to.
func sessionOf(m *machine.Machine, pid int) string {
	m.T.Helper()
	_, rest, _ := strings.Cut(m.Proc(pid, "stat"), ") ")
	return strings.Fields(rest)[3]
}

// What works for root with the rights of the release has nothing of root's: a session, a
// terminal and descriptors of its own, and no way to a privilege.
func TestVisitorIsApart(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=n1", "[release]\nuser = \"app\"\n")
	s.Files["etc/passwd"] = "root:x:0:0::/:\napp:x:1000:1001::/:\n"
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	x := m.AtTerminal(t, "remote")
	x.See("1> ")
	root := machine.OnlyChild(t, x.Cmd.Process.Pid) // of nsenter
	visitor := machine.OnlyChild(t, root)
	bounds := machine.ChildBounds{Comm: "the visitor", UID: "1000", Caps: "0000000000000000", Seccomp: "0", FDs: []string{"/dev/pts/0", "/memfd:inetrc (deleted)", "/dev/null", "pipe:", "anon_inode:[eventpoll]", "anon_inode:[timerfd]", "anon_inode:[eventfd]", "socket:"}}
	bounds.CheckThreads(m, visitor)
	bounds.CheckDescriptors(m, visitor)
	if session := sessionOf(m, visitor); session != strconv.Itoa(visitor) || session == sessionOf(m, root) {
		t.Errorf("the visitor has session %s, want its own, %d", session, visitor)
	}
	theirs := m.FileOf(root, "0")
	for number, to := range machine.DescriptorsOf(m, visitor) {
		if m.FileOf(visitor, number) == theirs || strings.HasPrefix(to, "/memfd:left-open") {
			t.Errorf("descriptor %s of the visitor is %s, which is root's", number, to)
		}
	}
	m.HasTTY(visitor, 1000)
	x.Leave(false)
}
