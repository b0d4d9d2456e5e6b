package supervise_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// attackerName is the name under which the test binary does, on a machine, what a release
// could that somebody has taken over. It says what it was let do: a line each.
const attackerName = "attacker"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == attackerName {
		os.Exit(attack(os.Args))
	}
	os.Exit(m.Run())
}

// attack does one of the kinds, and says a line for each success.
func attack(args []string) int {
	runtime.LockOSThread() // ptrace(2) is a thread's
	switch args[1] {
	case "processes":
		attackProcesses()
	case "files":
		attackFiles()
	case "terminals":
		attackTerminals(args[2])
	case "sockets":
		attackSockets()
	case "namespaces":
		attackNamespaces()
	case "inside":
		attackInside(args[2] == "files")
	case "names":
		attackNames(args[2:])
	case "places":
		attackPlaces(args[2])
	case "fill":
		attackRoom(args[2:])
	case "wait":
		time.Sleep(time.Hour)
	case "held":
		attackHeld(args[2])
	case "swap":
		attackNamesOnTheWay(args[2], args[3])
	}
	fmt.Println("done")
	return 0
}

// attackProcesses tries all that one process can do to another.
func attackProcesses() {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if pid == unix.Getpid() {
			continue
		}
		name, _ := os.ReadFile(dir + "/comm")
		status, _ := os.ReadFile(dir + "/status")
		_, uid, _ := strings.Cut(string(status), "\nUid:\t")
		uid, _, _ = strings.Cut(uid, "\t")
		for _, way := range waysToProcess {
			if way.try(pid, dir) == nil {
				fmt.Printf("%s of %s of uid %s\n", way.name, strings.TrimSpace(string(name)), uid)
			}
		}
	}
}

var waysToProcess = []struct {
	name string
	try  func(pid int, dir string) error
}{
	{"ptrace", func(pid int, _ string) error {
		err := unix.PtraceSeize(pid)
		if err == nil {
			unix.PtraceDetach(pid)
		}
		return err
	}},
	{"process_vm_readv", func(pid int, _ string) error {
		var b [8]byte
		local := []unix.Iovec{{Base: &b[0], Len: 8}}
		_, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
		if err == unix.EFAULT { // it was let look
			return nil
		}
		return err
	}},
	{"mem", func(_ int, dir string) error { return opens(dir+"/mem", os.O_RDWR) }},
	{"environ", func(_ int, dir string) error { return opens(dir+"/environ", os.O_RDONLY) }},
	{"maps", func(_ int, dir string) error { return opens(dir+"/maps", os.O_RDONLY) }},
	{"fd", func(_ int, dir string) error { return opens(dir+"/fd", os.O_RDONLY) }},
	{"root", func(_ int, dir string) error { return opens(dir+"/root/", os.O_RDONLY) }},
	{"cwd", func(_ int, dir string) error { return opens(dir+"/cwd/", os.O_RDONLY) }},
	{"oom_score_adj", func(_ int, dir string) error {
		was, _ := os.ReadFile(dir + "/oom_score_adj")
		return os.WriteFile(dir+"/oom_score_adj", was, 0)
	}},
	{"pidfd_getfd", func(pid int, _ string) error {
		fd, err := unix.PidfdOpen(pid, 0)
		if err == nil {
			defer unix.Close(fd)
			_, err = unix.PidfdGetfd(fd, 0, 0)
		}
		return err
	}},
	{"kill", func(pid int, _ string) error { return unix.Kill(pid, 0) }},
	{"prlimit", func(pid int, _ string) error {
		var was unix.Rlimit
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &was); err != nil {
			return err
		}
		return unix.Prlimit(pid, unix.RLIMIT_NOFILE, &was, nil)
	}},
	{"setpriority", func(pid int, _ string) error {
		was, _ := unix.Getpriority(unix.PRIO_PROCESS, pid) // 20 less nice (getpriority(2))
		return unix.Setpriority(unix.PRIO_PROCESS, pid, 20-was)
	}},
	{"sched_setaffinity", func(pid int, _ string) error {
		var all unix.CPUSet
		if err := unix.SchedGetaffinity(pid, &all); err != nil {
			return err
		}
		return unix.SchedSetaffinity(pid, &all)
	}},
}

func opens(path string, flags int) error {
	f, err := os.OpenFile(path, flags|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err == nil {
		f.Close()
	}
	return err
}

// attackFiles looks for what can be written to: in all of the file system, and for secrets
// that can be read.
func attackFiles() {
	filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case strings.HasPrefix(path, "/proc/") && path != "/proc/sys" && !strings.HasPrefix(path, "/proc/sys/") && d.IsDir() && path != "/proc/1":
			return fs.SkipDir // processes are looked at by attackProcesses
		case d.Type()&fs.ModeSymlink != 0:
			return nil
		}
		if unix.Access(path, unix.W_OK) == nil {
			fmt.Println("write " + path)
		}
		kept := strings.HasPrefix(path, "/data/") || strings.HasPrefix(path, "/run/") || strings.HasPrefix(path, "/sys/fs/pstore")
		if kept && (d.Type().IsRegular() || d.IsDir()) && opens(path, os.O_RDONLY) == nil {
			fmt.Println("read " + path)
		}
		return nil
	})
}

// attackTerminals types text into each terminal that can be reached through another process.
func attackTerminals(text string) {
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, path := range append(fds, "/dev/tty", "/dev/console", "/dev/tty0", "/dev/tty1") {
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err != nil {
			continue
		}
		name, _ := os.Readlink(path)
		var st unix.Stat_t
		if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil && unix.Fstat(int(f.Fd()), &st) == nil {
			fmt.Println("open", name, st.Dev, st.Ino)
		}
		unix.IoctlSetInt(int(f.Fd()), unix.TIOCSCTTY, 1)
		for i := range text {
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.TIOCSTI, uintptr(unsafe.Pointer(unsafe.StringData(text[i:])))); errno == 0 {
				fmt.Println("typed to " + name)
			}
		}
		f.Close()
	}
}

// attacks runs the attacker on the machine as that user, and gives what it was let do.
func attacks(m *machine.Machine, uid uint32, args ...string) []string {
	m.T.Helper()
	out, err := attackAs(m, uid, args...).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || lines[len(lines)-1] != "done" {
		m.T.Fatalf("attack %v: %v\n%s", args, err, out)
	}
	return lines[:len(lines)-1]
}

// attackAs is the attacker as that user.
func attackAs(m *machine.Machine, uid uint32, args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"-m", "-n", "-p", "-u", "-i", "-S", fmt.Sprint(uid), "-G", fmt.Sprint(uid),
		"-t", strconv.Itoa(m.PID()), "/srv/attacker"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// attacked is a machine with all children that there are, and a release of that user, which
// owns what a release may.
func attacked(t *testing.T, user, toml string) *machine.Machine {
	t.Helper()
	m := machine.Start(t, toBeAttacked(t, user, toml))
	m.State(health.Up, 0)
	return m
}

// toBeAttacked is what it is made of; toml is added to its configuration.
func toBeAttacked(t *testing.T, user, toml string) machine.Spec {
	t.Helper()
	s := machine.WithERTS(t, "hostname=node1 ip=10.77.0.11::10.77.0.1:255.255.255.0:node1:eth0:off beaminit.network.eth0.wait=1ms", "[[mount]]\nsource = \"/store\"\ntarget = \"/data\"\noptions = [\"bind\"]\n[release]\nargs = [\"-heart\"]\nuser = \""+user+"\"\n[discovery]\nmdns = true\n[watchdog]\ncriterion = \"heart\"\n"+toml)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.Programs = map[string]string{"srv/attacker": self}
	s.Links = map[string]string{"bin/sh": "/sbin/init"} // for the heart
	s.Files["root/secret"] = "of-root"
	s.Files["etc/passwd"] = "root:x:0:0::/:\nnobody:x:65534:65534::/:\napp:x:1000:1000::/:\n"
	s.Dirs, s.Writable = append(s.Dirs, "store"), true
	return s
}

// A release cannot reach a process of PID 1's, whoever it is: not PID 1 itself, not the
// children that tell it how the release is, not root's side of a remote shell.
func TestAttacksOnProcesses(t *testing.T) {
	for user, uid := range map[string]uint32{"app": 1000, "nobody": 65534} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			m := attacked(t, user, "")
			x := m.AtTerminal(t, "remote")
			x.See("1> ")
			for _, line := range attacks(m, uid, "processes") {
				what, who, _ := strings.Cut(line, " of ")
				comm, _, _ := strings.Cut(who, " of ")
				if strings.HasPrefix(comm, "beaminit") || comm == "init" || comm == "exe" || comm == "nsenter" {
					t.Errorf("it was let do %s to %s", what, who)
				}
			}
			x.Leave(false)
		})
	}
}

// Of the terminals of a remote shell, a release can open the one that the shell has, which is
// the release's, and not root's; and it can type into neither (ioctl_tty(2), TIOCSTI).
func TestAttacksOnTerminals(t *testing.T) {
	t.Parallel()
	m := attacked(t, "app", "")
	x := m.AtTerminal(t, "remote")
	x.See("1> ")
	roots := m.FileOf(machine.OnlyChild(t, x.Cmd.Process.Pid), "0")
	for _, line := range attacks(m, 1000, "terminals", "\rstolen.\r") {
		if strings.HasPrefix(line, "typed") || strings.HasSuffix(line, fmt.Sprintf(" %d %d", roots.Dev, roots.Ino)) {
			t.Errorf("it was let do: %s", line)
		}
	}
	x.Leave(false)
}

// secret is a line that a VM takes as an argument and a distribution as a cookie.
const secret = "-secret-of-root"

// A release that owns its directory puts links to a secret of root's in the place of its
// files: nothing of it gets to the release when it is started again.
func TestAttacksByItsOwnFiles(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "[release]\nuser = \"1000\"\npath = [\"/opt/app\"]\n")
	delete(s.Files, "data/cookie") // that of the release counts
	s.Files["root/secret"], s.Files["opt/app/releases/COOKIE"], s.Files["opt/app/releases/1.0.0/vm.args"] = secret, "cookie-of-release", "-own-argument"
	s.Links, s.Writable = map[string]string{"opt/app/lib": "/srv/erlang/lib"}, true
	of := s.Bind["srv/erlang"]
	for _, pattern := range []string{"/erts-*", "/releases/1.0.0/s*"} {
		names, _ := filepath.Glob(of + pattern)
		for _, name := range names {
			s.Links["opt/app"+strings.TrimPrefix(name, of)] = "/srv/erlang" + strings.TrimPrefix(name, of)
		}
	}
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	m.Must(os.Chmod(m.Root+"/root/secret", 0o600))
	told := func(text string) (where []string) {
		of := fmt.Sprintf("/proc/%d/", m.VM())
		hidden, _ := filepath.Glob(of + "root/run/beaminit/release/.*")
		names, _ := filepath.Glob(of + "root/run/beaminit/release/*")
		for _, name := range append(append(names, hidden...), of+"cmdline") {
			if b, _ := os.ReadFile(name); strings.Contains(string(b), text) {
				where = append(where, name)
			}
		}
		return where
	}
	if len(told("cookie-of-release")) == 0 || len(told("-own-argument")) == 0 {
		t.Fatal("the release was not told what its own files say\n" + m.Tail())
	}
	for _, name := range []string{"COOKIE", "1.0.0/vm.args"} {
		path := m.Root + "/opt/app/releases/" + name
		m.Must(os.Chown(filepath.Dir(path), 1000, 1000))
		m.Must(os.Remove(path))
		m.Must(os.Symlink("/root/secret", path))
	}
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Restarted(1, next)
	if where := told(secret); where != nil {
		t.Errorf("it was told root's secret in %q", where)
	}
	m.Line("read /opt/app/releases/1.0.0/vm.args: ")
}
