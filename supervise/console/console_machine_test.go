package console_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// port is the far end of a serial line: what the node has as a tty is a pty of the
// machine that tests, and this is who sits at it.
type port struct {
	t      *testing.T
	name   string // of the tty on the machine that tests
	master *os.File

	mu   sync.Mutex
	text []byte
	news chan struct{} // closed and renewed with all that comes
}

func newPort(t *testing.T) *port {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &port{t: t, master: os.NewFile(uintptr(fd), "the far end"), news: make(chan struct{})}
	t.Cleanup(p.hangUp)
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	p.name = "/dev/pts/" + strconv.Itoa(n)
	return p
}

func (p *port) hangUp() { p.master.Close() }

// read reads the line from now on.
func (p *port) read() {
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := p.master.Read(buf)
			if n > 0 {
				p.mu.Lock()
				p.text = append(p.text, buf[:n]...)
				close(p.news)
				p.news = make(chan struct{})
				p.mu.Unlock()
				continue
			}
			if pe, ok := err.(*os.PathError); err != nil && !(ok && pe.Err == unix.EIO) { // EIO: nobody has it open yet
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
}

// typeIn types, and waits until all of wants came after that, in this order.
func (p *port) typeIn(keys string, wants ...string) string {
	p.t.Helper()
	from := p.length()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
	return p.await(from, fmt.Sprintf("answer to %q", keys), wants...)
}

// length is how much has come so far.
func (p *port) length() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.text)
}

func (p *port) await(from int, what string, wants ...string) string {
	p.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		p.mu.Lock()
		text, news := string(p.text[from:]), p.news
		p.mu.Unlock()
		rest, all := text, true
		for _, want := range wants {
			_, after, ok := strings.Cut(rest, want)
			rest, all = after, all && ok
		}
		if all {
			return text
		}
		select {
		case <-news:
		case <-limit:
			p.t.Fatalf("%s: want %q in %q", what, wants, text[max(0, len(text)-4000):])
		}
	}
}

// withConsole is a node whose release has its shell on the far end.
func withConsole(t *testing.T, p *port, toml string) machine.Spec {
	t.Helper()
	s := machine.WithERTS(t, "console=ttyS0 hostname=node1", toml+"\n[console]\ntty = \"ttyS1\"\noptions = \"115200n8\"\n")
	s.TTYs = map[string]string{"ttyS1": p.name}
	return s
}

// The shell is a terminal like any other: lines can be edited, Ctrl-C ends an
// evaluation and nothing else, and health stays on the console.
func TestShell(t *testing.T) {
	t.Parallel()
	p := newPort(t)
	p.read()
	m := machine.Start(t, withConsole(t, p, ""))
	first, next := m.State(health.Up, 0)
	p.await(0, "prompt", "Eshell", "1> ")
	p.typeIn("1+1.\r", "2\r\n", "2> ")
	p.typeIn("20+\x7f*3.\r", "60\r\n", "3> ")                         // backspace
	p.typeIn("1x3.\x1b[D\x1b[D\x7f0\x1b[C\x1b[C\r", "103\r\n", "4> ") // left, and right again
	p.typeIn("\x1b[A", "103.")                                        // what was typed before
	p.typeIn("\r", "103\r\n", "5> ")
	p.typeIn("length(\"\u00e4\u20ac\").\r", "2\r\n", "6> ") // UTF-8
	p.typeIn("timer:sleep(infinity).\r", "\r\n")
	p.typeIn("\x03", "exception exit: killed", "> ")
	for _, key := range []string{"\x1a", "\x1c", "\x13"} { // Ctrl-Z, Ctrl-\, Ctrl-S
		p.typeIn(key+"7*6.\r", "42\r\n", "> ")
	}
	p.typeIn("exit().\r", "Shell process terminated", "1> ")
	p.typeIn("{node(), os:getenv(\"TERM\"), io:columns(), io:rows()}.\r", "{eclero@node1,\"linux\",{ok,80},{ok,24}}", "2> ")
	if r, _ := m.State(health.Up, next); r.PID != first.PID || r.Restarts != 0 {
		t.Errorf("after all that: %+v, want pid %d", r, first.PID)
	}
	if n := m.Count("release:"); n > 0 {
		t.Errorf("%d lines of the release are on the console\n%s", n, m.Tail())
	}

	t.Run("the end of the shell is the end of the release", func(t *testing.T) {
		from := p.length()
		p.typeIn("io:format(\"last\" ++ \" words~n\"), halt(3).\r", "last words")
		r, n := m.State(health.Down, next)
		if r.Why != "exit status 3" {
			t.Errorf("why=%q", r.Why)
		}
		m.Line("kept: last output")
		names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/root/run/beaminit/dumps/last-output-*-1.log", m.PID()))
		if len(names) != 1 {
			t.Fatalf("last outputs: %q", names)
		}
		if kept, err := os.ReadFile(names[0]); err != nil || !bytes.Contains(kept, []byte("last words")) || !bytes.Contains(kept, []byte("Eshell")) {
			t.Errorf("the last output is %q %v", kept, err)
		}
		_, next = m.Restarted(1, n)
		p.await(from, "another shell", "last words", "Eshell", "1> ")
		p.typeIn("2+3.\r", "5\r\n", "2> ")
	})
	t.Run("in order down", func(t *testing.T) {
		m.Signal(unix.SIGTERM)
		m.Line("the release ended: exit status 0")
		if got := m.Ended(); got != unix.SIGHUP {
			t.Errorf("the kernel ended it with %v, want a reboot", got)
		}
	})
}

// far away: the tty takes nothing more. The release does not notice, its words are
// dropped and counted, and whoever comes later finds a shell.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	p := newPort(t)
	m := machine.Start(t, withConsole(t, p, fmt.Sprintf("[release]\nargs = [\"-eval\", %q]\n", floodExpr)))
	first, next := m.State(health.Up, 0)
	m.Eventually("get 10 MB from the release", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%d/root/run/beaminit/release/flooded", m.PID()))
		return err == nil
	})
	if r, _ := m.State(health.Up, next); r.PID != first.PID || r.Restarts != 0 {
		t.Errorf("got %+v, want pid %d", r, first.PID)
	}
	p.read()
	text := p.typeIn("\r6*7.\r", "[beaminit: the tty did not take ", " bytes, they are dropped]\r\n", "42\r\n", "> ")
	_, rest, _ := strings.Cut(text, "did not take ")
	number, _, _ := strings.Cut(rest, " ")
	if n, err := strconv.Atoi(number); err != nil || n < 9_000_000 {
		t.Errorf("%q bytes were dropped, want most of 10 MB", number)
	}
}

// floodExpr prints 10 MB and leaves a file that says so.
const floodExpr = `[io:put_chars(binary:copy(<<"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmno\n">>, 163)) || _ <- lists:seq(1, 1000)], file:write_file("/run/beaminit/release/flooded", "").`

// The shell goes on, in the same VM, whatever becomes of what stands between it and the
// tty; and the tty may come late and go away.
func TestShellOutlives(t *testing.T) {
	t.Parallel()
	p, other := newPort(t), newPort(t)
	s := withConsole(t, p, "[release]\nuser = \"1234\"\n")
	s.TTYs = map[string]string{"first": p.name, "second": other.name}
	s.Program, s.Writable = machine.Faulty(t), true
	m := machine.Start(t, s)
	dev := fmt.Sprintf("/proc/%d/root/dev/", m.PID())
	first, next := m.State(health.Up, 0)
	same := func() {
		t.Helper()
		var r health.Record
		if r, next = m.State(health.Up, next); r.PID != first.PID || r.Restarts != 0 {
			t.Errorf("got %+v, want pid %d", r, first.PID)
		}
	}
	m.Line("/dev/ttyS1: no such file or directory; the shell of the release waits for it")
	p.read()
	m.Must(os.Symlink("first", dev+"ttyS1"))
	m.Line("/dev/ttyS1: the shell of the release is there")
	p.await(0, "prompt", "Eshell", "1> ") // it was said before
	p.typeIn("A = 1+1.\r", "2\r\n", "2> ")
	same()

	relay := m.Child("beaminit-tty")
	for name, want := range map[string]string{"Uid": "0 0 0 0", "CapPrm": "0000000000200000", "CapBnd": "0000000000200000", "NoNewPrivs": "1"} {
		if got := m.StatusOf(relay)[name]; got != want {
			t.Errorf("%s of the relay is %q, want %q", name, got, want)
		}
	}
	own := machine.ChildBounds{Comm: "beaminit-tty", FDs: []string{"/dev/ptmx", "/dev/pts/ptmx", "/memfd:beaminit-tty (deleted)", "pipe:", "/dev/kmsg", "/dev/first", "anon_inode:[eventpoll]", "anon_inode:[eventfd]"}}
	own.CheckDescriptors(m, relay)
	unix.Kill(relay, unix.SIGKILL)
	m.Line("the relay of console.tty ended (killed by signal 9 (SIGKILL)), it is started again in 1s")
	p.typeIn("A + 1.\r", "3\r\n", "3> ")
	same()

	relay = m.Child("beaminit-tty")
	m.Fault("turn")
	m.Line("PID 1 has begun anew")
	p.typeIn("A + 2.\r", "4\r\n", "4> ")
	if is := m.Child("beaminit-tty"); is != relay {
		t.Errorf("the relay is %d, not %d", is, relay)
	}
	same()

	other.read()
	m.Must(os.Remove(dev + "ttyS1"))
	m.Must(os.Symlink("second", dev+"ttyS1"))
	p.hangUp()
	m.Line("the relay of console.tty ended (exit status 1), it is started again in 1s") // it may open the first only
	other.typeIn("A + 3.\r", "5\r\n", "5> ")
	if n := m.Count("waits for it"); n != 2 {
		t.Errorf("it was said %d times that the tty is waited for\n%s", n, m.Tail())
	}
	same()

	unix.Kill(m.VM(), unix.SIGKILL)
	m.Restarted(1, next)
	other.typeIn("A.\r", "variable 'A' is unbound", "2> ")
	m.HasTTY(m.VM(), 1234)
}
