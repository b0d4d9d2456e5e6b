package release

import (
	"bytes"
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

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

const port = 17012

// vm is a running VM.
type vm struct {
	*exec.Cmd
	out *lockedBuffer
}

// start runs a command as PID 1 does: its arguments and its environment, nothing
// of this process. enter is what runs it (nsenter …), for another namespace.
func start(t *testing.T, c Command, enter ...string) *vm {
	t.Helper()
	if err := c.Prepare(); err != nil {
		t.Fatal(err)
	}
	v := &vm{&exec.Cmd{Path: c.Path, Args: c.Argv, Env: c.Env, Dir: c.Dir}, &lockedBuffer{}}
	if len(enter) > 0 {
		v.Cmd = exec.Command(enter[0], append(append(enter[1:], c.Path), c.Argv[1:]...)...)
		v.Cmd.Env, v.Cmd.Dir = c.Env, c.Dir
	}
	v.Stdout, v.Stderr, v.WaitDelay = v.out, v.out, time.Second
	if err := v.Start(); err != nil {
		t.Fatalf("start %s: %v", c.Path, err)
	}
	t.Cleanup(func() { v.Process.Kill(); v.Wait() })
	return v
}

// waitFor waits for a line of output.
func (v *vm) waitFor(t *testing.T, line string) {
	t.Helper()
	nstest.Await(t, "a line "+line, func() bool { return slices.Contains(v.lines(), line) }, v.out.String)
}

func (v *vm) lines() []string { return strings.Split(v.out.String(), "\n") }

func (v *vm) want(t *testing.T, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !slices.Contains(v.lines(), l) {
			t.Errorf("no line %q in:\n%s", l, v.out)
		}
	}
}

// stop has it end in order.
func (v *vm) stop(t *testing.T) {
	t.Helper()
	if err := v.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	killed := time.AfterFunc(nstest.Patience, func() { v.Process.Kill() })
	defer killed.Stop()
	if err := v.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want status 0\n%s", err, v.out)
	}
	v.want(t, "toy stopped in order")
}

func (v *vm) cmdline(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", v.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
}

// The real thing: a systools release and then the same one as relx lays it out,
// started in namespaces of their own.
func TestStart(t *testing.T) {
	nstest.Run(t, nstest.Usual|syscall.CLONE_NEWPID, func(t *testing.T) {
		if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
			t.Fatal(err)
		}
		loUp(t)
		if err := unix.Sethostname([]byte("eclero6")); err != nil {
			t.Fatal(err)
		}
		root := buildToy(t)
		in := inputs(t, root, "eclero6")

		t.Run("systools", func(t *testing.T) {
			c := command(t, in)
			v := start(t, c)
			v.waitFor(t, "toy ready")
			v.want(t, "toy node eclero@eclero6", "toy word from sys.config", "toy cookie sesame",
				"toy peers []", "toy mode embedded", "toy dir "+root, "toy lookup [file]", "toy env HOME="+c.Tmp)
			if got, want := listening(t), []int{port}; !slices.Equal(got, want) {
				t.Errorf("listens on %v, want %v", got, want)
			}
			if strings.Count(v.out.String(), "sesame") != 1 {
				t.Errorf("the cookie is elsewhere too:\n%s", v.out)
			}
			checkProcesses(t, v)
			checkArgs(t, v)
			v.stop(t)
		})
		t.Run("relx", func(t *testing.T) {
			copyFile(t, "testdata/toy/vm.args", root+"/releases/0.1.0/vm.args")
			write(t, root+"/releases/start_erl.data", strings.TrimPrefix(ertsOf(t, root), "erts-")+" 0.1.0\n")
			in := in
			in.Distribution.Name, in.Cookie = "", nil
			in.Release.Args = []string{"-setcookie", "sesame-in-vm.args", "-name", "x@y", "+SDio", "4"}
			v := start(t, command(t, in))
			v.waitFor(t, "toy ready")
			v.want(t, "toy node x@eclero6", "toy cookie sesame-in-vm.args", `toy flag {ok,[["a b","it's","c d"]]}`,
				`toy extra ["one","two three","--"]`, "toy ticktime 9", "toy mode interactive", "toy threads 4")
			if got, want := listening(t), []int{port}; !slices.Equal(got, want) {
				t.Errorf("listens on %v, want %v", got, want)
			}
			checkProcesses(t, v)
			checkArgs(t, v)
			v.stop(t)
		})
	})
}

// Two nodes on a wire of their own find each other while they start.
func TestMesh(t *testing.T) {
	for _, program := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs two network namespaces: %v", err)
		}
	}
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		root := buildToy(t)
		other := exec.Command("sleep", "60")
		other.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS}
		if err := nstest.Start(other); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { other.Process.Kill(); other.Wait() })
		pid := strconv.Itoa(other.Process.Pid)
		enter := []string{"nsenter", "-t", pid, "-n", "-u", "--"}
		there := func(args ...string) { run(t, ".", enter[0], append(slices.Clone(enter[1:]), args...)...) }

		loUp(t)
		if err := unix.Sethostname([]byte("eclero6")); err != nil {
			t.Fatal(err)
		}
		run(t, ".", "ip", "link", "add", "v6", "type", "veth", "peer", "name", "v8", "netns", pid)
		run(t, ".", "ip", "addr", "add", "192.168.7.6/24", "dev", "v6")
		run(t, ".", "ip", "link", "set", "v6", "up")
		there("hostname", "eclero8")
		there("ip", "link", "set", "lo", "up")
		there("ip", "addr", "add", "192.168.7.8/24", "dev", "v8")
		there("ip", "link", "set", "v8", "up")

		six := start(t, command(t, inputs(t, root, "eclero6")))
		eight := start(t, command(t, inputs(t, root, "eclero8")), enter...)
		six.waitFor(t, "toy ready")
		eight.waitFor(t, "toy ready")
		six.want(t, "toy node eclero@eclero6", "toy peers [eclero@eclero8]")
		eight.want(t, "toy node eclero@eclero8", "toy peers [eclero@eclero6]")
		eight.stop(t)
		six.waitFor(t, "toy nodedown eclero@eclero8")
		six.stop(t)
	})
}

// inputs are those of a node of eclero6 and eclero8.
func inputs(t *testing.T, root, hostname string) Inputs {
	t.Helper()
	dir := t.TempDir()
	write(t, dir+"/hosts", "127.0.0.1 localhost\n192.168.7.6 eclero6\n192.168.7.8 eclero8\n")
	write(t, dir+"/inetrc", fmt.Sprintf("{lookup,[file]}.\n{hosts_file,%q}.\n", dir+"/hosts"))
	peers := []string{"eclero6", "eclero8"}
	if t.Name() == "TestStart" {
		peers = peers[:1] // nobody else is there, and none is to be waited for
	}
	return Inputs{
		Release:      config.Release{Path: []string{filepath.Dir(root)}, Tmp: dir + "/run/tmp"},
		Distribution: config.Distribution{Name: "eclero", Names: "short", Port: port, EPMD: "none", CookieFile: "/data/cookie", Connect: true},
		Hostname:     hostname,
		Peers:        peers,
		WaitForPeers: true,
		Inetrc:       dir + "/inetrc",
		Cookie:       []byte("sesame\n"),
		StopTimeout:  10 * time.Second,
		Dump:         "/dev/null", DumpBytes: 1, DumpSeconds: 1,
	}
}

func command(t *testing.T, in Inputs) Command {
	t.Helper()
	r, err := Find(Root("/"), in.Release)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Command(in)
	for _, err := range append(r.Problems, c.Problems...) {
		t.Errorf("problem: %v", err)
	}
	return c
}

// checkArgs looks at what everyone can see of the VM: no cookie, and no flag of
// beaminit's twice.
func checkArgs(t *testing.T, v *vm) {
	t.Helper()
	args := v.cmdline(t)
	if text := strings.Join(args, " "); strings.Contains(text, "sesame") {
		t.Errorf("the cookie is in the command line: %s", text)
	}
	once := []string{"-sname", "-erl_epmd_port", "-start_epmd", "-boot", "-mode", "-shutdown_time", "-Bi"}
	never := []string{"-name", "-setcookie", "-heart", "-epmd_module", "-proto_dist", "-Bd"}
	for _, flag := range once {
		if n := count(args, flag); n != 1 {
			t.Errorf("%s stands %d times in %q, want once", flag, n, args)
		}
	}
	for _, flag := range never {
		if n := count(args, flag); n != 0 {
			t.Errorf("%s stands %d times in %q, want never", flag, n, args)
		}
	}
}

func count(list []string, s string) (n int) {
	for _, l := range list {
		if l == s {
			n++
		}
	}
	return n
}

// checkProcesses wants the VM, its erl_child_setup and this test: no epmd, no
// shell, no inet_gethost.
func checkProcesses(t *testing.T, v *vm) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for _, name := range names {
		comm, _ := os.ReadFile(name)
		switch s := strings.TrimSpace(string(comm)); s {
		case "beam.smp", "erl_child_setup", "release.test", "exe", "":
		default:
			others = append(others, s)
		}
	}
	// With a host name without domain the VM asks inet_gethost once for its own.
	others = slices.DeleteFunc(others, func(s string) bool { return s == "inet_gethost" })
	if len(others) > 0 {
		t.Errorf("also running: %q", others)
	}
}

// listening are the ports of the namespace's listening TCP sockets.
func listening(t *testing.T) (ports []int) {
	t.Helper()
	for _, name := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // a kernel without IPv6
		}
		for _, line := range strings.Split(string(b), "\n")[1:] {
			f := strings.Fields(line)
			if len(f) < 4 || f[3] != "0A" {
				continue
			}
			_, hex, _ := strings.Cut(f[1], ":")
			n, err := strconv.ParseUint(hex, 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, int(n))
		}
	}
	return ports
}

func loUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		t.Fatal(err)
	}
}

func ertsOf(t *testing.T, root string) string {
	t.Helper()
	dirs, err := filepath.Glob(root + "/erts-*")
	if err != nil || len(dirs) != 1 {
		t.Fatalf("ERTS of %s: %v, %v", root, dirs, err)
	}
	return filepath.Base(dirs[0])
}

// lockedBuffer is written by os/exec while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
