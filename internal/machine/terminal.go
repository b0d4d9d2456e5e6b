package machine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// queued is how many connections a listener has not taken yet, in a line of ss(8).
var queued = regexp.MustCompile(`(?m)^LISTEN +\d+`)

// Listeners are the sockets that listen on the machine, one a line.
func (m *Machine) Listeners() string {
	m.T.Helper()
	out, err := exec.Command("nsenter", "-n", "-t", strconv.Itoa(m.PID()), "ss", "-Hltn").Output()
	m.Must(err)
	return queued.ReplaceAllString(string(out), "LISTEN")
}

// Visited opens a remote shell of a node, has it say where it is, and leaves it again.
func (m *Machine) Visited(t *testing.T, iex bool) {
	t.Helper()
	pid, before := m.VM(), m.Listeners()
	r, _ := m.Record("of a release", 0, func(r health.Record) bool { return r.PID > 0 })
	x := m.AtTerminal(t, "remote")
	if iex {
		x.See("iex(" + r.Node + ")1> ")
		x.Enter("{:it_is, node()}\r")
		x.See("{:it_is, :")
		x.See(r.Node)
		x.Enter("+20\x011\r") // Ctrl-A: to the beginning of the line
		x.See("\n21")
	} else {
		x.See("(" + r.Node + ")1> ")
		x.Enter("{it_is,node(),length(nodes(hidden))}.\r")
		x.See("{it_is,")
		x.See(r.Node)
		x.See("1}")            // itself
		x.Enter("+20.\x011\r") // Ctrl-A: to the beginning of the line
		x.See("\n21")
	}
	if after := m.Listeners(); after != before {
		t.Errorf("listening before\n%sand with the shell\n%s", before, after)
	}
	m.noCookieShown(t)
	x.Leave(iex)
	if now := m.VM(); now != pid {
		t.Errorf("the release is process %d and was %d", now, pid)
	}
}

// noCookieShown: the command line of no process of this machine has it.
func (m *Machine) noCookieShown(t *testing.T) {
	t.Helper()
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", m.PID()))
	m.Must(err)
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range lines {
		if ns, _ := os.Readlink(filepath.Join(filepath.Dir(name), "ns/pid")); ns != own {
			continue
		}
		if line, _ := os.ReadFile(name); strings.Contains(string(line), "namespace-cookie") {
			t.Errorf("a command line shows the cookie: %q", line)
		}
	}
}

type file struct{ Dev, Ino uint64 }

func (m *Machine) FileOf(pid int, number string) file {
	m.T.Helper()
	var st unix.Stat_t
	m.Must(unix.Stat(fmt.Sprintf("/proc/%d/fd/%s", pid, number), &st))
	return file{uint64(st.Dev), st.Ino}
}

// OnlyChild is the one child of a process.
func OnlyChild(t *testing.T, pid int) int {
	t.Helper()
	out, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	child, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatalf("children of %d: %q", pid, out)
	}
	return child
}

// Terminal is a person at a terminal: a pty with a program on its other end.
type Terminal struct {
	t    *testing.T
	pty  *os.File
	Cmd  *exec.Cmd
	gone chan error

	mu   sync.Mutex
	text string
	read int // of text, by see
	news chan struct{}
}

// AtTerminal is a beaminit command of the machine, at a terminal. Ctrl-C is for that
// alone, and not for nsenter, which is its parent.
func (m *Machine) AtTerminal(t *testing.T, args ...string) *Terminal {
	t.Helper()
	pid := strconv.Itoa(m.PID())
	return AtTerminal(t, exec.Command("sh", append([]string{"-c", `trap "" INT; exec nsenter "$@"`, "sh",
		"-m", "-n", "-p", "-u", "-t", pid, "/sbin/init"}, args...)...))
}

// AtTerminal starts a program with a terminal of its own; it ends with the test.
func AtTerminal(t *testing.T, cmd *exec.Cmd) *Terminal {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(pty.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: 200})
	cmd.Stdin, cmd.Stdout, cmd.Stderr = other, other, other
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TERM=xterm", "HOME=/", "LANG=C.UTF-8"}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	other.Close()
	x := &Terminal{t: t, pty: pty, Cmd: cmd, gone: make(chan error, 1), news: make(chan struct{})}
	go x.listen()
	go func() { x.gone <- cmd.Wait() }()
	t.Cleanup(func() {
		select {
		case err := <-x.gone: // its number may be that of another's group by now
			x.gone <- err
		default:
			unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		}
		pty.Close()
	})
	return x
}

func (x *Terminal) listen() {
	var b [4096]byte
	for {
		n, err := x.pty.Read(b[:])
		x.mu.Lock()
		x.text += string(b[:max(n, 0)])
		close(x.news)
		x.news = make(chan struct{})
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// See waits for text on the screen, behind what was seen before.
func (x *Terminal) See(text string) {
	x.t.Helper()
	late := time.After(30 * time.Second)
	for {
		x.mu.Lock()
		at, news := strings.Index(x.text[x.read:], text), x.news
		if at >= 0 {
			x.read += at + len(text)
		}
		all := x.text
		x.mu.Unlock()
		if at >= 0 {
			return
		}
		select {
		case <-news:
		case <-late:
			x.t.Fatalf("no %q on the terminal:\n%s", text, all)
		}
	}
}

func (x *Terminal) Enter(text string) {
	x.t.Helper()
	if _, err := x.pty.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// Ends waits for the end of the program, and gives its exit status and what is on the
// screen.
func (x *Terminal) Ends() (status int, screen string) {
	x.t.Helper()
	select {
	case err := <-x.gone:
		x.gone <- err
	case <-time.After(20 * time.Second):
		x.mu.Lock()
		defer x.mu.Unlock()
		x.t.Fatalf("it does not end:\n%s", x.text)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.Cmd.ProcessState.ExitCode(), x.text
}

// Leave ends a remote shell in the way that it says itself, and wants it to end well.
func (x *Terminal) Leave(iex bool) {
	x.t.Helper()
	keys := [3]string{"\x07", "--> ", "q\r"}
	if iex {
		keys = [3]string{"\x03", "(d)istribution", "a\r"}
	}
	x.Enter(keys[0])
	x.See(keys[1])
	x.Enter(keys[2])
	if status, screen := x.Ends(); status != 0 {
		x.t.Errorf("exit status %d\n%s", status, screen)
	}
}
