package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// queued is how many connections a listener has not taken yet, in a line of ss(8).
var queued = regexp.MustCompile(`(?m)^LISTEN +\d+`)

// listeners are the sockets that listen on the machine, one a line.
func (m *machine) listeners() string {
	m.t.Helper()
	out, err := exec.Command("nsenter", "-n", "-t", strconv.Itoa(m.PID()), "ss", "-Hltn").Output()
	m.must(err)
	return queued.ReplaceAllString(string(out), "LISTEN")
}

// visited opens a remote shell of a node, has it say where it is, and leaves it again.
func (m *machine) visited(t *testing.T, iex bool) {
	t.Helper()
	pid, before := m.vm(), m.listeners()
	r, _ := m.record("of a release", 0, func(r health.Record) bool { return r.PID > 0 })
	x := m.atTerminal(t, "remote")
	if iex {
		x.see("iex(" + r.Node + ")1> ")
		x.enter("{:it_is, node()}\r")
		x.see("{:it_is, :")
		x.see(r.Node)
		x.enter("+20\x011\r") // Ctrl-A: to the beginning of the line
		x.see("\n21")
	} else {
		x.see("(" + r.Node + ")1> ")
		x.enter("{it_is,node(),length(nodes(hidden))}.\r")
		x.see("{it_is,")
		x.see(r.Node)
		x.see("1}")            // itself
		x.enter("+20.\x011\r") // Ctrl-A: to the beginning of the line
		x.see("\n21")
	}
	if after := m.listeners(); after != before {
		t.Errorf("listening before\n%sand with the shell\n%s", before, after)
	}
	m.noCookieShown(t)
	x.leave(iex)
	if now := m.vm(); now != pid {
		t.Errorf("the release is process %d and was %d", now, pid)
	}
}

// noCookieShown: the command line of no process of this machine has it.
func (m *machine) noCookieShown(t *testing.T) {
	t.Helper()
	out, err := exec.Command("sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").Output()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "namespace-cookie") {
		t.Error("a command line shows the cookie")
	}
}

// calls are calls of functions of a release, and what comes of them.
func (m *machine) calls(t *testing.T, node string) {
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
		out, status := m.ask(append([]string{"rpc"}, c.args...)...)
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
			s := withRelease(t, releaseOf(t, k.release), "hostname=n1.farm.lan", k.toml)
			s.files["etc/passwd"] = "root:x:0:0::/:\napp:x:1000:1001::/:\n"
			m := power(t, s)
			r, _ := m.state(health.Up, 0)
			m.visited(t, k.iex)
			m.calls(t, r.Node)
			m.alone()
		})
	}
}

// sessionOf is the session of a process (proc(5), stat), and fileOf what a descriptor of it
// leads to.
func (m *machine) sessionOf(pid int) string {
	m.t.Helper()
	_, rest, _ := strings.Cut(m.proc(pid, "stat"), ") ")
	return strings.Fields(rest)[3]
}

type file struct{ dev, ino uint64 }

func (m *machine) fileOf(pid int, number string) file {
	m.t.Helper()
	var st unix.Stat_t
	m.must(unix.Stat(fmt.Sprintf("/proc/%d/fd/%s", pid, number), &st))
	return file{uint64(st.Dev), st.Ino}
}

// What works for root with the rights of the release has nothing of root's: a session, a
// terminal and descriptors of its own, and no way to a privilege.
func TestVisitorIsApart(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=n1", "[release]\nuser = \"app\"\n")
	s.files["etc/passwd"] = "root:x:0:0::/:\napp:x:1000:1001::/:\n"
	m := power(t, s)
	m.state(health.Up, 0)
	x := m.atTerminal(t, "remote")
	x.see("1> ")
	root := onlyChild(t, x.cmd.Process.Pid) // of nsenter
	visitor := onlyChild(t, root)
	bounds := childBounds{"the visitor", "1000", "0000000000000000", "0", []string{"/dev/pts/0", "/memfd:inetrc (deleted)", "/dev/null", "pipe:", "anon_inode:[eventpoll]", "anon_inode:[timerfd]", "anon_inode:[eventfd]", "socket:"}}
	bounds.checkThreads(m, visitor)
	bounds.checkDescriptors(m, visitor)
	if session := m.sessionOf(visitor); session != strconv.Itoa(visitor) || session == m.sessionOf(root) {
		t.Errorf("the visitor has session %s, want its own, %d", session, visitor)
	}
	theirs := m.fileOf(root, "0")
	for number, to := range descriptorsOf(m, visitor) {
		if m.fileOf(visitor, number) == theirs || strings.HasPrefix(to, "/memfd:left-open") {
			t.Errorf("descriptor %s of the visitor is %s, which is root's", number, to)
		}
	}
	m.hasTTY(visitor, 1000)
	x.leave(false)
}

// onlyChild is the one child of a process.
func onlyChild(t *testing.T, pid int) int {
	t.Helper()
	out, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	child, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatalf("children of %d: %q", pid, out)
	}
	return child
}
