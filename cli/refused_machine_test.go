package cli_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// What keeps a visitor out is said.
func TestRemoteRefused(t *testing.T) {
	t.Parallel()
	s := machine.WithRelease(t, machine.Release(t, "relx/own"), "hostname=n1 beaminit.health.probe_failures=0", "[release]\nuser = \"app\"\n")
	s.Files["etc/passwd"] = "root:x:0:0::/:\napp:x:1000:1001::/:\n"
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	as := func(uid int, args ...string) (string, int) {
		t.Helper()
		id := strconv.Itoa(uid)
		cmd := exec.Command("nsenter", append([]string{"-m", "-n", "-p", "-u", "-t", strconv.Itoa(m.PID()), "-S", id, "-G", id, "/sbin/init"}, args...)...)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	m.Want(2, "beaminit remote: standard input is no terminal", "remote")
	m.Want(2, "beaminit remote: no option --frob; want --print", "remote", "--frob")
	if out, status := as(1000, "rpc", "erlang", "node"); status != 0 || out != "bird@n1\n" {
		t.Errorf("as the user of the release: exit status %d, %q", status, out)
	}
	if out, status := as(1001, "rpc", "erlang", "node"); status != 2 || !strings.Contains(out, "only root or app, the user of the release, can have its cookie") {
		t.Errorf("as another user: exit status %d, %q", status, out)
	}

	m.Want(0, "true\n", "rpc", "erlang", "set_cookie", "[another]")
	m.Want(2, "bird@n1 does not let us in: it has another cookie than /run/beaminit/release/.erlang.cookie", "rpc", "erlang", "node")
	x := m.AtTerminal(t, "remote")
	x.See("beaminit remote: bird@n1 does not let us in: it has another cookie")
	if status, _ := x.Ends(); status != 2 {
		t.Errorf("with another cookie: exit status %d, want 2", status)
	}

	pid := m.VM()
	unix.Kill(pid, unix.SIGSTOP)
	m.Eventually("stand still", func() bool { return strings.HasPrefix(m.StatusOf(pid)["State"], "T") })
	m.Want(2, "beaminit rpc: no answer from 127.0.0.1:17012; state=", "rpc", "erlang", "node")
	unix.Kill(pid, unix.SIGCONT)
	m.Want(0, "stopped", "stop")
	m.State(health.Rescue, next)
	m.Want(2, "beaminit rpc: nothing listens on 127.0.0.1:17012; state=rescue, stop asked for by beaminit stop", "rpc", "erlang", "node")
	y := m.AtTerminal(t, "remote")
	y.See("beaminit remote: nothing listens on 127.0.0.1:17012; state=rescue")
	if status, _ := y.Ends(); status != 2 {
		t.Errorf("exit status %d, want 2", status)
	}
}

// Where the network is down, and the node's own name leads nowhere, its shell is wanted
// most. Several are there at once, none of them in nodes(), and one in which nobody does
// anything stays connected, however soon the release gives a peer up.
func TestRemoteWithoutNetwork(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithRelease(t, machine.Release(t, "relx/own"), "hostname=n1 beaminit.network.eth0.address=10.77.0.11/24 beaminit.network.eth0.wait=10ms",
		"[peers]\nn1 = \"10.77.0.11\"\n[release]\nargs = [\"-kernel\", \"net_ticktime\", \"5\"]\n"))
	m.State(health.Up, 0)
	var shells []*machine.Terminal
	for range 3 {
		x := m.AtTerminal(t, "remote")
		x.See("(bird@n1)1> ")
		shells = append(shells, x)
	}
	begun := time.Now()
	m.Want(0, "4\n", "rpc", "erlang", "apply", "[erlang,length,[[N || N <- nodes(hidden), lists:prefix(\"beaminit-ask-\",atom_to_list(N))]]]") // and who asks
	m.Want(0, "[]\n", "rpc", "erlang", "nodes")
	for time.Since(begun) < 10*time.Second { // twice the release's patience
		m.Want(0, "true\n", "rpc", "erlang", "apply", "[fun() -> length(nodes(hidden)) >= 3 end, []]")
		time.Sleep(500 * time.Millisecond)
	}
	calls := make(chan error, 20)
	for range cap(calls) {
		go func() {
			cmd := exec.Command("nsenter", "-m", "-n", "-p", "-u", "-t", strconv.Itoa(m.PID()), "/sbin/init", "rpc", "lists", "seq", "[1,20000]")
			out, err := cmd.CombinedOutput()
			if err == nil && (len(out) != 108896 || !strings.HasSuffix(string(out), "19999,20000]\n")) {
				err = fmt.Errorf("%d bytes, at the end %q", len(out), out[max(0, len(out)-100):])
			}
			if err != nil {
				err = fmt.Errorf("%w: %.300s", err, out)
			}
			calls <- err
		}()
	}
	for range cap(calls) {
		if err := <-calls; err != nil {
			t.Errorf("one of %d calls at once: %v", cap(calls), err)
		}
	}
	for _, x := range shells {
		x.Enter("{it_is,node()}.\r")
		x.See("{it_is,bird@n1}")
	}
}
