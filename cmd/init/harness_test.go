package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// env is the directory of what make builds for the nodes of the tests (build/test). Only the
// stage of make test that is for them sets it.
const env = "BEAMINIT_TEST"

// made is a file or directory of build/test; a test that wants nodes is skipped where nobody
// has asked for them, and fails where it was asked for by its name.
func made(t testing.TB, name string) string {
	t.Helper()
	const want = "starts nodes: want root and make namespaces, for one test with PKG=./DIR RUN=NAME"
	dir := os.Getenv(env)
	if dir == "" && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.bench").Value.String() == "" {
		t.Skip(want)
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil || dir == "" || os.Geteuid() != 0 {
		t.Fatal(want)
	}
	return path
}

// initProgram is beaminit as it is shipped; faulty is the same with the hook that makes it
// panic (package fault), strict the same with the end for a child that makes a system call
// that its list has not (package seccomp).
func initProgram(t testing.TB) string { t.Helper(); return made(t, "init") }
func faulty(t testing.TB) string      { t.Helper(); return made(t, "init-fault") }
func strict(t testing.TB) string      { t.Helper(); return made(t, "init-strict") }

// copyInit puts beaminit at path, where any static program would do.
func copyInit(t testing.TB, path string) {
	t.Helper()
	from := initProgram(t)
	if os.Link(from, path) == nil {
		return
	}
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(path, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The limits of open files that PID 1 is started with.
const softFiles, hardFiles = 1000, 4000

// limitOfAnswer is for an answer of PID 1, as its tools have it.
const limitOfAnswer = 2 * time.Second

// machine is a node in namespaces of its own: the real binary is its PID 1, the
// only thing that is not the kernel's is /dev/kmsg, a pipe that the test reads.
type machine struct {
	t    testing.TB
	root string
	cmd  *exec.Cmd
	dead []func() // ends the file systems that never answer
	exit chan error

	mu      sync.Mutex
	lines   []string
	records []health.Record
	news    chan struct{} // closed and renewed at each line
}

// spec says what a machine's root has.
type spec struct {
	cmdline  string
	toml     string
	files    map[string]string // path: content
	programs map[string]string // path: program of the machine that tests, copied there
	dirs     []string
	bind     map[string]string // directory on the device: directory of the machine that tests, shown there
	links    map[string]string // symbolic link: where it leads
	ttys     map[string]string // name in /dev: tty of the machine that tests, as a serial port
	writable bool              // the root is writable
	memory   bool              // the root is in memory, as an initramfs is
	program  string            // its init; empty: as it is shipped
	args     []string          // what the kernel gives its init
	fifos    []string          // FIFOs in the place of files
	dead     []string          // files and directories where a file system is that never answers
	asleep   bool              // and nothing that waits for it can be killed
	stderr   *os.File          // of PID 1; nil: that of the test
	blocked  bool              // signals are blocked at its start, as where a PID 1 executes another
}

// power starts a machine; it is killed at the end of the test.
func power(t testing.TB, s spec) *machine {
	t.Helper()
	enter := made(t, "enter")
	root := t.TempDir()
	if s.memory {
		root = inMemory(t)
	}
	m := &machine{t: t, root: root, exit: make(chan error, 1), news: make(chan struct{})}
	for _, d := range append([]string{"proc", "sys", "dev", "run", "tmp", "etc", "sbin", "srv", "data", "root", "lib", "usr"}, s.dirs...) {
		m.must(os.MkdirAll(filepath.Join(root, d), 0o755))
	}
	if s.program == "" {
		s.program = initProgram(t)
	}
	data, err := os.ReadFile(s.program)
	m.must(err)
	m.must(os.WriteFile(filepath.Join(root, "sbin/init"), data, 0o755))
	m.file("etc/beaminit.toml", s.toml)
	m.file("etc/hosts", "")
	m.file("cmdline", s.cmdline+"\n")
	m.file("args", strings.Join(s.args, "\n"))
	if !s.writable {
		m.file("read-only", "")
	}
	if s.blocked {
		m.file("blocked", "")
	}
	for name, text := range s.files {
		m.file(name, text)
	}
	for name, to := range s.links {
		m.must(os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755))
		m.must(os.Symlink(to, filepath.Join(root, name)))
	}
	for name, from := range s.programs {
		data, err := os.ReadFile(from)
		m.must(err)
		m.file(name, string(data))
		m.must(os.Chmod(filepath.Join(root, name), 0o755))
	}
	binds := ""
	for to, from := range s.bind {
		m.must(os.MkdirAll(filepath.Join(root, to), 0o755))
		binds += from + " " + to + "\n"
	}
	m.file("binds", binds)
	ttys := ""
	for name, from := range s.ttys {
		ttys += from + " " + name + "\n"
	}
	m.file("ttys", ttys)
	for _, name := range s.fifos {
		m.must(unix.Mkfifo(filepath.Join(root, name), 0o600))
	}
	m.file("dead", strings.Join(s.dead, "\n"))
	fifo := filepath.Join(root, "kmsg")
	m.must(unix.Mkfifo(fifo, 0o600))
	kmsg, err := os.OpenFile(fifo, os.O_RDWR, 0)
	m.must(err)
	read := make(chan struct{})
	go func() { m.read(kmsg); close(read) }()

	m.cmd = exec.Command(enter, root, strconv.Itoa(softFiles), strconv.Itoa(hardFiles))
	m.cmd.Env = []string{"HOME=/", "TERM=linux"}
	m.cmd.Stdout, m.cmd.Stderr = os.Stdout, os.Stderr
	if s.stderr != nil {
		m.cmd.Stderr = s.stderr
	}
	for range s.dead {
		m.cmd.ExtraFiles = append(m.cmd.ExtraFiles, m.fuse(s.asleep))
	}
	m.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
	}
	m.must(nstest.Start(m.cmd)) // a test that is killed leaves no PID 1
	go func() {
		err := m.cmd.Wait()
		kmsg.WriteString(endOfConsole + "\n")
		<-read // all that it said
		kmsg.Close()
		m.exit <- err
	}()
	t.Cleanup(m.off)
	t.Cleanup(m.revive) // what hangs would hold up the end
	return m
}

// inMemory is a directory on a tmpfs; it is gone at the end of the test.
func inMemory(t testing.TB) string {
	t.Helper()
	root, err := os.MkdirTemp("/dev/shm", "beaminit")
	if err != nil {
		t.Skip("no /dev/shm for a root in memory: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	return root
}

// off takes the power away, if it is on.
func (m *machine) off() {
	m.cmd.Process.Kill()
	if !m.gone(nstest.Patience) {
		m.t.Error("the machine does not end")
	}
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) file(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.root, name)
	m.must(os.MkdirAll(filepath.Dir(path), 0o755))
	m.must(os.WriteFile(path, []byte(text), 0o644))
}

// endOfConsole is the line behind the last one of a machine that is gone.
const endOfConsole = "end of the console"

// read takes the console in, line by line.
func (m *machine) read(kmsg *os.File) {
	in := bufio.NewScanner(kmsg)
	for in.Scan() && in.Text() != endOfConsole {
		line := in.Bytes()
		if i := bytes.IndexByte(line, '>'); i > 0 && i < 5 {
			line = line[i+1:]
		}
		m.mu.Lock()
		m.lines = append(m.lines, string(line))
		if r, ok := health.Find(line); ok {
			m.records = append(m.records, r)
		}
		close(m.news)
		m.news = make(chan struct{})
		m.mu.Unlock()
	}
}

// await waits until ok holds; on failure it shows the end of the console.
func (m *machine) await(what string, limit time.Duration, ok func() bool) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for over := ""; ; {
		m.mu.Lock()
		news := m.news
		m.mu.Unlock()
		if ok() {
			return
		}
		if over != "" {
			m.t.Fatalf("no %s %s; the end of the console:\n%s", what, over, m.tail())
		}
		select {
		case <-news:
		case err := <-m.exit: // it has said all that it ever will
			m.exit <- err
			over = fmt.Sprintf("and PID 1 is gone (%v)", err)
		case <-ctx.Done():
			over = "within " + limit.String()
		}
	}
}

func (m *machine) tail() string {
	lines := m.Lines()
	return strings.Join(lines[max(0, len(lines)-100):], "\n")
}

// record waits for a health record that ok likes, among those after number from,
// and gives it with the number to go on from.
func (m *machine) record(what string, from int, ok func(health.Record) bool) (health.Record, int) {
	m.t.Helper()
	var found health.Record
	m.await("record: "+what, nstest.Patience, func() bool {
		for _, found = range m.Records()[from:] {
			if from++; ok(found) {
				return true
			}
		}
		return false
	})
	return found, from
}

func (m *machine) state(want health.State, from int) (health.Record, int) {
	m.t.Helper()
	return m.record("state="+string(want), from, func(r health.Record) bool { return r.State == want })
}

// line waits for a line that has text in it.
func (m *machine) line(text string) {
	m.t.Helper()
	m.linesWith(text, 1)
}

// linesWith waits until n lines have text in them.
func (m *machine) linesWith(text string, n int) {
	m.t.Helper()
	m.await(fmt.Sprintf("%d lines with %q", n, text), nstest.Patience, func() bool { return m.count(text) >= n })
}

// Records are the health records so far.
func (m *machine) Records() []health.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clip(m.records)
}

// lastRecord is the last of them.
func (m *machine) lastRecord() health.Record {
	all := m.Records()
	return all[len(all)-1]
}

// Lines are the lines of the console so far.
func (m *machine) Lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clip(m.lines)
}

// count is how many lines have text in them so far.
func (m *machine) count(text string) (n int) {
	for _, l := range m.Lines() {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// ended waits for the end of PID 1 and gives the signal that the kernel ended it
// with: SIGHUP for a reboot, SIGINT for power off and halt (reboot(2)).
func (m *machine) ended() syscall.Signal {
	m.t.Helper()
	if !m.gone(nstest.Patience) {
		m.t.Fatalf("PID 1 does not end\n%s", m.tail())
	}
	err := <-m.exit
	m.exit <- err
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		m.t.Fatalf("PID 1 ended: %v\n%s", err, m.tail())
	}
	return exit.Sys().(syscall.WaitStatus).Signal()
}

// gone says whether PID 1 has ended, or does so within limit.
func (m *machine) gone(limit time.Duration) bool {
	select {
	case err := <-m.exit:
		m.exit <- err
		return true
	case <-time.After(limit):
		return false
	}
}

// PID is that of PID 1, on the machine that tests.
func (m *machine) PID() int { return m.PID() }

// signal sends a signal to PID 1.
func (m *machine) signal(sig syscall.Signal) { m.must(m.cmd.Process.Signal(sig)) }
