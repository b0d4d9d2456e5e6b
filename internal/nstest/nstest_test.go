package nstest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A test binary that is killed leaves nothing of what it started, not even what is below
// the PID 1 of a namespace.
func TestStartDiesWithTheTest(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for namespaces")
	}
	const env = "BEAMINIT_NSTEST_LEAK"
	if os.Getenv(env) != "" {
		cmd := exec.Command("/bin/sh", "-c", "trap '' TERM INT HUP; sleep 1000 & wait")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
		if err := Start(cmd); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("\npid " + strconv.Itoa(cmd.Process.Pid) + "\n")
		cmd.Wait()
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), env+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := Start(cmd); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for in := bufio.NewScanner(out); pid == 0 && in.Scan(); {
		if word, ok := strings.CutPrefix(in.Text(), "pid "); ok {
			pid, _ = strconv.Atoi(word)
		}
	}
	if pid == 0 {
		t.Fatal("it started nothing")
	}
	cmd.Process.Kill()
	cmd.Wait()
	Await(t, "the PID 1 that it started is gone", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH }, nil)
}

// Inside Run, too, every user reaches what the test has let them in to.
func TestLetIn(t *testing.T) {
	Run(t, Usual, func(t *testing.T) {
		dir := t.TempDir()
		LetIn(t, dir)
		cmd := exec.Command("/bin/ls", dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4242, Gid: 4242}}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// What WriteFile has written can be executed at once, whatever else is started meanwhile:
// with os.WriteFile about 2 % could not.
func TestWriteFile(t *testing.T) {
	until := time.Now().Add(3 * time.Second)
	var all sync.WaitGroup
	beside := func(f func()) {
		all.Add(1)
		go func() { defer all.Done(); f() }()
	}
	for range 4 {
		beside(func() {
			for time.Now().Before(until) {
				exec.Command("/bin/true").Run()
			}
		})
	}
	program, err := os.ReadFile("/bin/true")
	Must(t, err)
	for g := range 3 {
		path := filepath.Join(t.TempDir(), "true"+strconv.Itoa(g))
		beside(func() {
			for time.Now().Before(until) {
				os.Remove(path)
				if err := WriteFile(path, program, 0o755); err != nil {
					t.Error(err)
				}
				// By a process that waits for no other, as the PID 1 of a machine is.
				if out, err := exec.Command("/bin/sh", "-c", "exec "+path).CombinedOutput(); err != nil {
					t.Errorf("%v %s", err, out)
				}
			}
		})
	}
	all.Wait()
}
