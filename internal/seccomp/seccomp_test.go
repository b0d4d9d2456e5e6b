package seccomp

import (
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

	"golang.org/x/sys/unix"
)

const held = "BEAMINIT_HELD"

func TestMain(m *testing.M) {
	if os.Getenv(held) != "" {
		fmt.Print(attack())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// attack is what somebody would try who speaks through such a child, after it has done all
// that a Go runtime does.
func attack() string {
	unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err := Apply(List{Calls: Sockets, Families: []uint32{unix.AF_INET, unix.AF_NETLINK}}); err != nil {
		return err.Error()
	}
	text := ""
	say := func(what string, err error) {
		var errno syscall.Errno
		errors.As(err, &errno)
		text += fmt.Sprintf("%s: %s\n", what, unix.ErrnoName(errno))
	}
	live()
	say("execve", unix.Exec("/bin/true", []string{"true"}, nil))
	_, err := syscall.ForkExec("/bin/true", []string{"true"}, nil)
	say("fork", err)
	_, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	say("socket unix", err)
	_, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	say("socket inet", err)
	_, err = unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
	say("mmap exec", err)
	say("ptrace", unix.PtraceAttach(os.Getppid()))
	say("kill", unix.Kill(os.Getppid(), 0))
	say("mount", unix.Mount("none", "/mnt", "tmpfs", 0, ""))
	return text + threads()
}

// live makes threads, waits for timers and pipes, and collects garbage.
func live() {
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			runtime.LockOSThread() // which ends with the goroutine
			time.Sleep(10 * time.Millisecond)
			r, w, err := os.Pipe()
			if err != nil {
				panic(err)
			}
			go w.Write(make([]byte, 1<<20))
			r.Read(make([]byte, 1<<20))
			r.Close()
		}()
	}
	all.Wait()
	runtime.GC()
}

// threads says which thread is not held to a list.
func threads() (text string) {
	files, _ := filepath.Glob("/proc/self/task/*/status")
	for _, f := range files {
		if status, err := os.ReadFile(f); err == nil && !strings.Contains(string(status), "\nSeccomp:\t2\n") {
			text += f + " is free\n"
		}
	}
	return text
}

// What is not in the list fails, in every thread, and the runtime lives on.
func TestApply(t *testing.T) {
	if !Available() {
		t.Skip("this kernel, or this architecture, has no filters")
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), held+"=1")
	out, err := cmd.CombinedOutput()
	family := "EAFNOSUPPORT"
	if runtime.GOARCH == "386" { // whose calls on sockets are one
		family = ""
	}
	want := `execve: ENOSYS
fork: EPERM
socket unix: ` + family + `
socket inet: 
mmap exec: EPERM
ptrace: ENOSYS
kill: ENOSYS
mount: ENOSYS
`
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

// The filter fits what the kernel takes (BPF_MAXINSNS), and no jump leaves it.
func TestFilter(t *testing.T) {
	f := List{Calls: append(append([]uint32{}, Files...), Sockets...), Families: []uint32{1, 2, 3, 4}}.filter()
	if len(f) > 4096 {
		t.Errorf("%d instructions", len(f))
	}
	for i, in := range f {
		if in.Code&7 == unix.BPF_JMP && i+1+int(max(in.Jt, in.Jf)) >= len(f) {
			t.Errorf("instruction %d leads nowhere: %+v", i, in)
		}
	}
}
