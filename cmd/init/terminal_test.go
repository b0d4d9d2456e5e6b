package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/node"
	"golang.org/x/sys/unix"
)

// terminal is a person at a terminal: a pty with a program on its other end.
type terminal struct {
	t    *testing.T
	pty  *os.File
	cmd  *exec.Cmd
	gone chan error

	mu   sync.Mutex
	text string
	read int // of text, by see
	news chan struct{}
}

// atTerminal is a beaminit command of the machine, at a terminal. Ctrl-C is for that
// alone, and not for nsenter, which is its parent.
func (m *machine) atTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	pid := strconv.Itoa(m.PID())
	return atTerminal(t, exec.Command("sh", append([]string{"-c", `trap "" INT; exec nsenter "$@"`, "sh",
		"-m", "-n", "-p", "-u", "-t", pid, "/sbin/init"}, args...)...))
}

// atTerminal starts a program with a terminal of its own; it ends with the test.
func atTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
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
	x := &terminal{t: t, pty: pty, cmd: cmd, gone: make(chan error, 1), news: make(chan struct{})}
	go x.listen()
	go func() { x.gone <- cmd.Wait() }()
	t.Cleanup(func() {
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		pty.Close()
	})
	return x
}

func (x *terminal) listen() {
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

// see waits for text on the screen, behind what was seen before.
func (x *terminal) see(text string) {
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

func (x *terminal) enter(text string) {
	x.t.Helper()
	if _, err := x.pty.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// ends waits for the end of the program, and gives its exit status and what is on the
// screen.
func (x *terminal) ends() (status int, screen string) {
	x.t.Helper()
	select {
	case <-x.gone:
	case <-time.After(20 * time.Second):
		x.mu.Lock()
		defer x.mu.Unlock()
		x.t.Fatalf("it does not end:\n%s", x.text)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cmd.ProcessState.ExitCode(), x.text
}

// The entry for terminals is what tic(1) makes of its source.
func TestTerminfo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("tic", "-x", "-o", dir, "testdata/beaminit.ti").CombinedOutput(); err != nil {
		t.Fatalf("tic: %v\n%s", err, out)
	}
	entry, err := os.ReadFile(dir + "/b/beaminit")
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.StdEncoding.EncodeToString(entry); got != node.Terminfo {
		t.Errorf("terminfo is %s, want %s", node.Terminfo, got)
	}
}

// leave ends a remote shell in the way that it says itself, and wants it to end well.
func (x *terminal) leave(iex bool) {
	x.t.Helper()
	keys := [3]string{"\x07", "--> ", "q\r"}
	if iex {
		keys = [3]string{"\x03", "(d)istribution", "a\r"}
	}
	x.enter(keys[0])
	x.see(keys[1])
	x.enter(keys[2])
	if status, screen := x.ends(); status != 0 {
		x.t.Errorf("exit status %d\n%s", status, screen)
	}
}
