package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// binary is beaminit, built once for all tests as it is shipped; faulty is the same
// with the hook that makes it panic (package fault), strict the same with the end for a child
// that makes a system call that its list has not (package seccomp).
var binary, faulty, strict string

const rootEnv = "BEAMINIT_TEST_ROOT"

func TestMain(m *testing.M) {
	if root := os.Getenv(rootEnv); root != "" {
		fmt.Fprintln(os.Stderr, "enter:", enter(root))
		os.Exit(1)
	}
	if os.Args[0] == launch.HelperName { // of a test that starts a program as PID 1 does
		os.Exit(launch.Main(os.Args))
	}
	dir, err := os.MkdirTemp("", "beaminit")
	if err != nil {
		panic(err)
	}
	binary, faulty, strict = filepath.Join(dir, "init"), filepath.Join(dir, "init-faulty"), filepath.Join(dir, "init-strict")
	for out, tags := range map[string]string{binary: "", faulty: "fault", strict: "seccompkill"} {
		if text, err := exec.Command("make", "-s", "-C", "../..", "build/init", "OUT="+out, "TAGS="+tags, "VERSION=dev").CombinedOutput(); err != nil {
			fmt.Printf("build: %v\n%s", err, text)
			os.Exit(1)
		}
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// limitOfTest is for anything that should take milliseconds, or a second or two, on a machine
// that has much else to do.
const limitOfTest = time.Minute

// limitOfAnswer is for an answer of PID 1, as its tools have it.
const limitOfAnswer = 2 * time.Second

// machine is a node in namespaces of its own: the real binary is its PID 1, the
// only thing that is not the kernel's is /dev/kmsg, a pipe that the test reads.
type machine struct {
	t    testing.TB
	root string
	cmd  *exec.Cmd
	dead []*os.File // of the file systems that never answer
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
	program  string            // its init; empty: as it is shipped
	args     []string          // what the kernel gives its init
	fifos    []string          // FIFOs in the place of files
	dead     []string          // files and directories where a file system is that never answers
	stderr   *os.File          // of PID 1; nil: that of the test
	blocked  bool              // signals are blocked at its start, as where a PID 1 executes another
}

// power starts a machine; it is killed at the end of the test.
func power(t testing.TB, s spec) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for namespaces")
	}
	root := t.TempDir()
	m := &machine{t: t, root: root, exit: make(chan error, 1), news: make(chan struct{})}
	for _, d := range append([]string{"proc", "sys", "dev", "run", "tmp", "etc", "sbin", "srv", "data", "root", "lib", "usr"}, s.dirs...) {
		m.must(os.MkdirAll(filepath.Join(root, d), 0o755))
	}
	if s.program == "" {
		s.program = binary
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

	m.cmd = exec.Command("/proc/self/exe")
	m.cmd.Args = []string{"stage"}
	m.cmd.Env = []string{rootEnv + "=" + root, "HOME=/", "TERM=linux"}
	m.cmd.Stdout, m.cmd.Stderr = os.Stdout, os.Stderr
	if s.stderr != nil {
		m.cmd.Stderr = s.stderr
	}
	for range s.dead {
		m.cmd.ExtraFiles = append(m.cmd.ExtraFiles, m.fuse())
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

// off takes the power away, if it is on.
func (m *machine) off() {
	m.cmd.Process.Kill()
	select {
	case err := <-m.exit:
		m.exit <- err
	case <-time.After(10 * time.Second):
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

// enter runs as PID 1 of the new namespaces: it makes root the root, puts the
// machine's own command line and kmsg in their places, and becomes /sbin/init.
func enter(root string) error {
	type mount struct {
		source, target, fstype string
		flags                  uintptr
	}
	dev := filepath.Join(root, "dev")
	for _, m := range []mount{
		{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{root, root, "", unix.MS_BIND},
		{"proc", filepath.Join(root, "proc"), "proc", 0},
		{filepath.Join(root, "cmdline"), filepath.Join(root, "proc/cmdline"), "", unix.MS_BIND},
		{"dev", dev, "tmpfs", 0},
	} {
		if err := unix.Mount(m.source, m.target, m.fstype, m.flags, ""); err != nil {
			return fmt.Errorf("%v: %w", m, err)
		}
	}
	binds, err := os.ReadFile(filepath.Join(root, "binds"))
	if err != nil {
		return err
	}
	for _, line := range strings.Split(strings.TrimSpace(string(binds)), "\n") {
		if from, to, ok := strings.Cut(line, " "); ok {
			if err := unix.Mount(from, filepath.Join(root, to), "", unix.MS_BIND, ""); err != nil {
				return fmt.Errorf("bind %s: %w", line, err)
			}
		}
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "kmsg"} {
		source := "/dev/" + name
		if name == "kmsg" {
			source = filepath.Join(root, "kmsg")
		}
		if err := os.WriteFile(filepath.Join(dev, name), nil, 0o600); err != nil {
			return err
		}
		if err := unix.Mount(source, filepath.Join(dev, name), "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	ttys, err := os.ReadFile(filepath.Join(root, "ttys"))
	if err != nil {
		return err
	}
	for _, line := range strings.Split(strings.TrimSpace(string(ttys)), "\n") {
		if from, name, ok := strings.Cut(line, " "); ok {
			if err := os.WriteFile(filepath.Join(dev, name), nil, 0o600); err != nil {
				return err
			}
			if err := unix.Mount(from, filepath.Join(dev, name), "", unix.MS_BIND, ""); err != nil {
				return fmt.Errorf("bind %s: %w", line, err)
			}
		}
	}
	if err := mountDead(root); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "full-run")); err == nil {
		if err := unix.Mount("run", filepath.Join(root, "run"), "tmpfs", 0, "nr_inodes=1"); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(root, "read-only")); err == nil {
		if err := unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			return err
		}
	}
	args := []string{"/sbin/init"}
	if text, err := os.ReadFile(filepath.Join(root, "args")); err == nil && len(text) > 0 {
		args = append(args, strings.Split(string(text), "\n")...)
	}
	_, err = os.Stat(filepath.Join(root, "blocked"))
	if err == nil {
		runtime.LockOSThread()
		var all unix.Sigset_t
		for i := range all.Val {
			all.Val[i]--
		}
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil {
			return err
		}
	}
	old := filepath.Join(root, "root")
	if err := unix.PivotRoot(root, old); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := errors.Join(unix.Chdir("/"), unix.Unmount("/root", unix.MNT_DETACH)); err != nil {
		return err
	}
	// A kernel gives its init no signal that is ignored; who runs the tests may have: make
	// does (posix_spawn(3) of glibc, with signals 32 and 33).
	for sig := 1; sig <= 64; sig++ {
		var byDefault [8]uint64
		unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	}
	// What a node's kernel would not give its init, to see what comes of it.
	unix.Umask(0)
	if _, err := unix.MemfdCreate("left-open", 0); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: softFiles, Max: hardFiles}); err != nil {
		return err
	}
	return unix.Exec("/sbin/init", args, []string{"HOME=/", "TERM=linux"})
}

// The limits of open files that PID 1 is started with.
const softFiles, hardFiles = 1000, 4000

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
		done, news := ok(), m.news
		m.mu.Unlock()
		if done {
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
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.lines[max(0, len(m.lines)-100):], "\n")
}

// record waits for a health record that ok likes, among those after number from,
// and gives it with the number to go on from.
func (m *machine) record(what string, from int, ok func(health.Record) bool) (health.Record, int) {
	m.t.Helper()
	var found health.Record
	m.await("record: "+what, limitOfTest, func() bool {
		for ; from < len(m.records); from++ {
			if found = m.records[from]; ok(found) {
				from++
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
	m.await(fmt.Sprintf("%d lines with %q", n, text), limitOfTest, func() bool { return m.counted(text) >= n })
}

// count is how many lines have text in them so far.
func (m *machine) count(text string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counted(text)
}

func (m *machine) counted(text string) (n int) {
	for _, l := range m.lines {
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
	select {
	case err := <-m.exit:
		m.exit <- err
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			m.t.Fatalf("PID 1 ended: %v\n%s", err, m.tail())
		}
		return exit.Sys().(syscall.WaitStatus).Signal()
	case <-time.After(30 * time.Second):
		m.t.Fatalf("PID 1 does not end\n%s", m.tail())
		return 0
	}
}

// signal sends a signal to PID 1.
func (m *machine) signal(sig syscall.Signal) { m.must(m.cmd.Process.Signal(sig)) }
