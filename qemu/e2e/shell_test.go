package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/lab"
)

// The release's shell is on the second serial port of a real machine, and health stays
// on the first. That nobody reads there stops neither the release nor the way down.
func TestShell(t *testing.T) {
	t.Parallel()
	l := up(t, 1, "beaminit.console.tty=ttyS1 beaminit.console.options=115200n8")
	n := l.Nodes()[0]
	if err := l.WaitWhole(within(t)); err != nil {
		t.Fatal(err)
	}
	port, leave := fromAfar(t, l, n)
	defer leave()
	at := seat{t, n, port}
	at.typeIn("1+1.\r", "2\r\n", "2> ")
	at.typeIn("20+\x7f*3.\r", "60\r\n", "3> ")                         // backspace
	at.typeIn("1x3.\x1b[D\x1b[D\x7f0\x1b[C\x1b[C\r", "103\r\n", "4> ") // left, right
	at.typeIn("receive after infinity -> ok end.\r", "\r\n")
	at.typeIn("\x03", "exception exit: killed", "> ") // Ctrl-C
	at.typeIn("node().\r", "eclero@"+n.Name(), "> ")
	first, _ := n.Last()

	flood(t, l, n)
	seen, _ := n.Last()
	reach(t, n, "health in a flood", func(r lab.Record) bool { return r.Seq > seen.Seq+1 })
	if r, _ := n.Last(); r.State != health.Up || r.PID != first.PID || r.Restarts != 0 {
		t.Errorf("got %+v, want as before: %+v", r, first)
	}
	at.typeIn("\r6*7.\r", "[beaminit: the tty did not take ", "42\r\n", "> ")

	// A port that is full does not keep the relay alive either.
	flood(t, l, n)
	relay := rpc(t, l, n, `hd([list_to_integer(lists:nth(2, string:lexemes(P, "/"))) || P <- filelib:wildcard("/proc/[0-9]*/comm"), {ok, <<"beaminit-tty\n">>} <- [file:read_file(P)]])`)
	pid, err := strconv.Atoi(relay)
	if err != nil {
		t.Fatalf("the relay is %s", relay)
	}
	poke(t, l, n, syscall.SIGKILL, pid)
	says(t, n, "the relay of console.tty ended (killed by signal 9 (SIGKILL))")
	at.knock()
	at.typeIn("7*7.\r", "49\r\n", "> ")

	flood(t, l, n)
	down := time.Now()
	cast(t, l, n, `open_port({spawn_executable, "/sbin/poweroff"}, [])`)
	waitStatus(t, l, n, "off")
	t.Logf("down in %v", time.Since(down))
	if text := strings.Join(n.Tail(100), "\n"); !strings.Contains(text, "the release ended: exit status 0") || strings.Contains(text, "are left") {
		t.Errorf("the way down:\n%s", text)
	}
}

// fromAfar sits at the port as "lab shell" does, reads the greeting, and leaves it to
// the test.
func fromAfar(t *testing.T, l *lab.Lab, n *lab.Node) (port lab.SerialPort, leave func()) {
	t.Helper()
	stream, err := lab.NewClient(l.Dir()).Shell(n.Name())
	if err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { stream.Close() })
	text, buf := "", make([]byte, 1024)
	for !strings.Contains(text, "Eshell") || !strings.HasSuffix(text, "1> ") {
		k, err := stream.Read(buf)
		if text += string(buf[:k]); err != nil {
			t.Fatalf("%v; so far %q; console:\n%s", err, text, strings.Join(n.Tail(100), "\n"))
		}
	}
	late.Stop()
	if _, _, err := n.Shell(); err == nil {
		t.Error("two sit at one port")
	}
	stream.Close()
	nstest.Await(t, "the port is free again", func() bool { port, leave, err = n.Shell(); return err == nil }, console(n))
	return port, leave
}

// flood has the release write 1.5 MiB, slowly enough for the port to take what it can: then
// it is full, all the way to who does not read it. Each call takes less than 8 s, within
// which the node wants to hear from the caller (net_ticktime).
func flood(t *testing.T, l *lab.Lab, n *lab.Node) {
	t.Helper()
	for range 3 {
		if got := rpc(t, l, n, `lists:last([begin timer:sleep(50), io:put_chars(user, binary:copy(<<"0123456789abcdef">>, 4096)) end || _ <- lists:seq(1, 8)])`); got != "ok" {
			t.Fatalf("to write to the console gives %s", got)
		}
	}
}

func said(n *lab.Node, text string) bool {
	return strings.Contains(strings.Join(n.Tail(1000), "\n"), text)
}

// console gives the last lines of the console, for who is told of a failure.
func console(n *lab.Node) func() string {
	return func() string { return strings.Join(n.Tail(100), "\n") }
}

// seat is where one sits at a serial port.
type seat struct {
	t    *testing.T
	node *lab.Node
	port lab.SerialPort
}

// knock types Enter until there is a prompt: for a port that nobody on the node has open
// yet, and that loses what comes.
func (s seat) knock() {
	s.t.Helper()
	text := ""
	buf := make([]byte, 64<<10)
	for limit := time.Now().Add(patience); !strings.HasSuffix(text, "> "); {
		if time.Now().After(limit) {
			s.t.Fatalf("no prompt; console:\n%s", strings.Join(s.node.Tail(100), "\n"))
		}
		s.port.SetDeadline(time.Now().Add(time.Second))
		s.port.Write([]byte{'\r'})
		k, err := s.port.Read(buf)
		for ; err == nil; k, err = s.port.Read(buf) { // all that was on the way
			text += string(buf[:k])
		}
		text = text[max(0, len(text)-100):]
	}
}

// typeIn types, and reads until all of wants has come, in this order.
func (s seat) typeIn(keys string, wants ...string) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	s.port.SetDeadline(deadline)
	// A person types slowly; 16 bytes are all that the port keeps for a node that is busy.
	for _, key := range []byte(keys) {
		if _, err := s.port.Write([]byte{key}); err != nil {
			s.t.Fatal(err)
		}
	}
	text := ""
	buf := make([]byte, 64<<10)
	for {
		rest, all := text, true
		for _, want := range wants {
			_, after, ok := strings.Cut(rest, want)
			rest, all = after, all && ok
		}
		if all {
			return
		}
		k, err := s.port.Read(buf)
		if text += string(buf[:k]); err != nil {
			s.t.Fatal(fmt.Errorf("after %q: %w; want %q in %q; console:\n%s", keys, err, wants, text[max(0, len(text)-2000):], strings.Join(s.node.Tail(100), "\n")))
		}
	}
}

// The shell may be on the kernel's own console, as with erlinit: its words and the
// node's mix, and each line of the node stays whole.
func TestShellOnConsole(t *testing.T) {
	t.Parallel()
	l := up(t, 1, "-- -v --ctty console")
	n := l.Nodes()[0]
	if err := l.WaitWhole(within(t)); err != nil {
		t.Fatal(err)
	}
	first, _ := n.Last()
	for i, typed := range []string{"\r", "X = 6*7.\r", "{x, X}.\r"} {
		if _, err := n.Write([]byte(typed)); err != nil {
			t.Fatal(err)
		}
		says(t, n, []string{"1> ", "42", "{x,42}"}[i])
	}
	if !said(n, "console.tty: console is the kernel's console too") {
		t.Errorf("it is not said that lines mix:\n%s", strings.Join(n.Tail(100), "\n"))
	}
	seen, _ := n.Last()
	reach(t, n, "health", func(r lab.Record) bool { return r.Seq > seen.Seq+2 })
	if r, _ := n.Last(); r.PID != first.PID || r.State != health.Up {
		t.Errorf("got %+v, want as before: %+v", r, first)
	}
}
