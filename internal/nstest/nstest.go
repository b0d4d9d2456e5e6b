// Package nstest runs the body of a test in fresh Linux namespaces, so that the
// code under test does its real mounts, links and signals without touching the
// machine that runs the tests. It is only imported by tests.
package nstest

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// marker is the environment variable that tells the re-executed test binary
// which test it is to run inside.
const marker = "BEAMINIT_NSTEST"

// Namespaces that most tests want: their own mounts, host name and network.
const Usual = syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET

// Patience is how long a test waits for what has to come. It is enough for a machine of
// two cores with a load of 6: a test that is over before says nothing about the machine.
const Patience = time.Minute

// Await waits until ok, which is asked every few milliseconds, and ends the test where it
// stays false. told says what there is instead; it may be nil.
func Await(t *testing.T, what string, ok func() bool, told func() string) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().Before(deadline) {
			continue
		}
		text := ""
		if told != nil {
			text = ":\n" + told()
		}
		t.Fatalf("after %v still not: %s%s", Patience, what, text)
	}
}

// Run re-executes the running test alone in new namespaces (flags as for
// clone(2)) and calls body there; its failures become the test's. Mounts made
// inside stay inside. Such tests share nothing, and run beside each other. It needs root,
// and skips the test without.
func Run(t *testing.T, flags uintptr, body func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	if os.Getenv(marker) == t.Name() {
		if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatalf("make / private: %v", err)
		}
		body(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root for namespaces")
	}
	tmp := t.TempDir()
	LetIn(t, tmp) // so that inside, where it is os.TempDir, LetIn needs to go no further
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	// What the body leaves in a directory that it has mounted something on is only
	// removable out here, when its namespace is gone.
	cmd.Env = append(os.Environ(), marker+"="+t.Name(), "TMPDIR="+tmp, "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		t.Fatalf("in namespaces: %v\n%s", err, &out)
	}
}

// WriteFile is os.WriteFile for what is executed afterwards. No process is started while the
// file is open for writing: one that has inherited it keeps it until it executes another
// program, and until then nobody can execute the file (ETXTBSY, execve(2); syscall.ForkLock).
func WriteFile(path string, data []byte, mode os.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, data, mode)
}

// Start starts a command that does not outlive this process, however it ends; and where the
// command is the PID 1 of a pid namespace, nothing in that does (PR_SET_PDEATHSIG, prctl(2);
// pid_namespaces(7)).
func Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	starter.Do(func() { go start() })
	failed := make(chan error)
	starts <- func() { failed <- cmd.Start() }
	return <-failed
}

// The signal comes when the thread ends that made the process, so one that never does makes
// all of them.
var (
	starter sync.Once
	starts  = make(chan func())
)

func start() {
	runtime.LockOSThread()
	for f := range starts {
		f()
	}
}
