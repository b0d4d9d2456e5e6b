// Package machine is for tests of whole nodes: it starts the real PID 1 in pid, mount, network,
// host name and IPC namespaces of its own, on a root that the test describes, and lets the test
// wait for what its console says, ask it, and take its power away. The releases are real ones,
// with a real ERTS. What a node is made of (programs, releases) is made by make build/test.
//
// It is only imported by tests, in files *_machine_test.go beside what they test.
package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// The limits of open files that PID 1 is started with.
const SoftFiles, HardFiles = 1000, 4000

// AnswerLimit is for an answer of PID 1, as its tools have it.
const AnswerLimit = 2 * time.Second

// Machine is a node in namespaces of its own: the real binary is its PID 1, the
// only thing that is not the kernel's is /dev/kmsg, a pipe that the test reads.
type Machine struct {
	T    testing.TB
	Root string
	cmd  *exec.Cmd
	dead []func() // ends the file systems that never answer
	exit chan error

	mu       sync.Mutex
	lines    []string
	prefixes []string // of each of them, as the kernel takes it (kmsg)
	records  []health.Record
	news     chan struct{} // closed and renewed at each line
}

// Spec says what a machine's root has.
type Spec struct {
	Cmdline  string
	TOML     string
	Files    map[string]string // path: content
	Programs map[string]string // path: program of the machine that tests, copied there
	Dirs     []string
	Bind     map[string]string // directory on the device: directory of the machine that tests, shown there
	Tmpfs    map[string]string // directory: options of a tmpfs that is mounted there before init is executed
	Links    map[string]string // symbolic link: where it leads
	TTYs     map[string]string // name in /dev: tty of the machine that tests, as a serial port
	Writable bool              // the root is writable
	Memory   bool              // the root is in memory, as an initramfs is
	Program  string            // its init; empty: as it is shipped
	Args     []string          // what the kernel gives its init
	FIFOs    []string          // FIFOs in the place of files
	Dead     []string          // files and directories where a file system is that never answers
	Asleep   bool              // and nothing that waits for it can be killed
	Stderr   *os.File          // of PID 1; nil: that of the test
	Cgroup   bool              // it is in a cgroup2 of its own, and sees no other
	Blocked  bool              // signals are blocked at its start, as where a PID 1 executes another
}

// Start starts a machine; it is killed at the end of the test.
func Start(t testing.TB, s Spec) *Machine {
	t.Helper()
	enter := made(t, "enter")
	root := t.TempDir()
	if s.Memory {
		root = inMemory(t)
	}
	m := &Machine{T: t, Root: root, exit: make(chan error, 1), news: make(chan struct{})}
	m.layOut(s)
	if s.Cgroup {
		m.File("cgroup", m.ownCgroup())
	}
	if s.Program == "" {
		s.Program = Init(t)
	}
	m.copy(s.Program, "sbin/init")
	fifo := filepath.Join(root, "kmsg")
	m.Must(unix.Mkfifo(fifo, 0o600))
	kmsg, err := os.OpenFile(fifo, os.O_RDWR, 0)
	m.Must(err)
	read := make(chan struct{})
	go func() { m.read(kmsg); close(read) }()

	m.cmd = exec.Command(enter, root, strconv.Itoa(SoftFiles), strconv.Itoa(HardFiles))
	m.cmd.Env = []string{"HOME=/", "TERM=linux"}
	m.cmd.Stdout, m.cmd.Stderr = os.Stdout, os.Stderr
	if s.Stderr != nil {
		m.cmd.Stderr = s.Stderr
	}
	for range s.Dead {
		m.cmd.ExtraFiles = append(m.cmd.ExtraFiles, m.fuse(s.Asleep))
	}
	m.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
	}
	m.Must(nstest.Start(m.cmd)) // a test that is killed leaves no PID 1
	go func() {
		err := m.cmd.Wait()
		kmsg.WriteString(endOfConsole + "\n")
		<-read // all that it said
		kmsg.Close()
		m.exit <- err
	}()
	t.Cleanup(m.PowerOff)
	t.Cleanup(m.Revive) // what hangs would hold up the end
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
	if err := os.Chmod(root, 0o755); err != nil { // the root of a system is everybody's
		t.Fatal(err)
	}
	return root
}

// PowerOff takes the power away, if it is on.
func (m *Machine) PowerOff() {
	m.cmd.Process.Kill()
	if !m.Gone(nstest.Patience) {
		m.T.Error("the machine does not end")
	}
}

// Must ends the test where there is an error.
func (m *Machine) Must(err error) {
	m.T.Helper()
	if err != nil {
		m.T.Fatal(err)
	}
}

// PID is that of PID 1, on the machine that tests.
func (m *Machine) PID() int { return m.cmd.Process.Pid }
