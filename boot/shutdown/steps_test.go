package shutdown

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/internal/nstest"
)

const downMarker = "BEAMINIT_DOWN_TEST"

// downAs runs body's part "first" as PID 1 of new namespaces, and tells how that
// PID 1 ended and what it said.
func downAs(t *testing.T, action string) (syscall.WaitStatus, string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestDownBody$", "-test.v", "-test.timeout=50s")
	cmd.Env = append(os.Environ(), downMarker+"="+action)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(nstest.Whole)}
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	nstest.Must(t, cmd.Start())
	cmd.Wait()
	return cmd.ProcessState.Sys().(syscall.WaitStatus), out.String()
}

// TestDownBody is PID 1 for the tests below. It builds a node of its own, leaves
// an obedient, a stopped and perhaps a stubborn process, and goes down.
func TestDownBody(t *testing.T) {
	name := os.Getenv(downMarker)
	if name == "" {
		t.Skip("only as PID 1 of the other tests")
	}
	nstest.Must(t, unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	shell := func(script string) int {
		cmd := exec.Command("/bin/sh", "-c", script)
		ready, err := cmd.StdoutPipe()
		nstest.Must(t, err)
		nstest.Must(t, cmd.Start())
		_, err = ready.Read(make([]byte, 1))
		nstest.Must(t, err)
		return cmd.Process.Pid
	}
	shell("trap 'exit 0' TERM; echo r; while :; do sleep 1; done")
	stopped := shell("trap 'exit 0' TERM; echo r; while :; do sleep 1; done")
	nstest.Must(t, unix.Kill(stopped, unix.SIGSTOP))
	_, err := unix.Wait4(stopped, nil, unix.WUNTRACED, nil)
	nstest.Must(t, err)
	if name == "stubborn" {
		shell("trap '' TERM; echo r; while :; do sleep 1; done")
	}
	for _, a := range []Action{Reboot, PowerOff, Halt} {
		if a.String() == name || name == "stubborn" {
			// The stubborn one gets a sixth of it.
			w := Sequence{Limit: 12 * time.Second, Stop: time.Second, Reap: reapAll, Save: func() []error { return []error{unix.EIO} }, Say: func(line string) { println(line) }}
			w.Begin(a)
			w.Stopped()
			w.End(a)
		}
	}
	t.Fatal("Down came back")
}

// reapAll is a waiter as the supervisor has one.
func reapAll(deadline time.Time) bool {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		switch {
		case err == unix.ECHILD:
			return false
		case pid > 0:
			continue
		case !time.Now().Before(deadline):
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestDownEndsTheNamespace(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for namespaces")
	}
	for _, c := range []struct {
		action string
		signal syscall.Signal
	}{
		{"reboot", syscall.SIGHUP},
		{"poweroff", syscall.SIGINT},
		{"halt", syscall.SIGINT},
	} {
		start := time.Now()
		status, out := downAs(t, c.action)
		if !status.Signaled() || status.Signal() != c.signal {
			t.Errorf("%s: PID 1 ended with %#x (signal %v), want %v\n%s", c.action, int(status), status.Signal(), c.signal, out)
		}
		for _, step := range []string{"release stopped: ", "SIGTERM to all processes: ", "SIGKILL to all processes: ", "save seed and time: ", "save seed and time: input/output error", "sync: ", "unmount everything: "} {
			if !strings.Contains(out, c.action+": "+step) {
				t.Errorf("%s: no step %q in:\n%s", c.action, step, out)
			}
		}
		if strings.Contains(out, "processes are left") {
			t.Errorf("%s: an obedient process was not seen to end:\n%s", c.action, out)
		}
		// No fixed sleep: the shell notices SIGTERM after its sleep of a second.
		if took := time.Since(start); took > nstest.Patience {
			t.Errorf("%s took %v", c.action, took)
		}
	}
}

func TestDownKillsTheStubborn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for namespaces")
	}
	status, out := downAs(t, "stubborn")
	if !status.Signaled() || status.Signal() != syscall.SIGHUP {
		t.Errorf("PID 1 ended with %#x\n%s", int(status), out)
	}
	if want := "reboot: SIGTERM to all processes: processes are left after 2 s"; !strings.Contains(out, want) {
		t.Errorf("want %q in:\n%s", want, out)
	}
	if strings.Contains(out, "SIGKILL to all processes: processes are left") {
		t.Errorf("SIGKILL left someone:\n%s", out)
	}
}

// Anything but PID 1 would kill the session that runs it.
func TestDownRefuses(t *testing.T) {
	if os.Getpid() == 1 {
		t.Skip("this is PID 1")
	}
	w := Sequence{Limit: time.Second, Reap: reapAll, Say: func(line string) { t.Error(line) }}
	err := w.End(PowerOff)
	if err == nil || !strings.Contains(err.Error(), "poweroff: only PID 1") {
		t.Errorf("got %v", err)
	}
}

// A device that hangs while something is saved does not keep a node from going down.
func TestSaveWithin(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	errs := saveWithin(20*time.Millisecond, func() []error { <-never; return nil })
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "save has not come back after 20 ms") {
		t.Errorf("%v", errs)
	}
	if errs := saveWithin(time.Second, func() []error { return []error{unix.EIO, unix.ENOSPC} }); len(errs) != 2 {
		t.Errorf("%v, want both errors", errs)
	}
}

func TestSteps(t *testing.T) {
	text := func(place Place) string {
		var b strings.Builder
		for _, s := range Steps(30*time.Second, place, reapAll, nil) {
			b.WriteString(s.String() + "\n")
		}
		return b.String()
	}
	for place, want := range map[Place]string{
		Board: `SIGTERM to all processes (at most 5 s)
SIGKILL to all processes (at most 2 s)
unmount network file systems (at most 2 s)
save seed and time (3 s, and what is left of those before)
swap off (3 s, and what is left of those before)
sync (6 s, and what is left of those before)
unmount everything (5 s, and what is left of those before)
make the root read-only (2 s, and what is left of those before)
sync again (2 s, and what is left of those before)
`,
		Namespace: `SIGTERM to all processes (at most 5 s)
SIGKILL to all processes (at most 2 s)
save seed and time (3 s, and what is left of those before)
sync (6 s, and what is left of those before)
unmount everything (5 s, and what is left of those before)
`,
		Container: `SIGTERM to all processes (at most 5 s)
SIGKILL to all processes (at most 2 s)
save seed and time (3 s, and what is left of those before)
`,
	} {
		if got := text(place); got != want {
			t.Errorf("place %d: got\n%s", place, got)
		}
	}
}

// What the first steps do not use is for those that write to disks; all together they
// never have more than the limit.
func TestStepLimits(t *testing.T) {
	steps := Steps(30*time.Second, Board, reapAll, nil)
	var sum time.Duration
	for i := range steps {
		sum += steps[i].Limit
	}
	if sum != 30*time.Second {
		t.Errorf("the limits are %v together", sum)
	}
	for _, tt := range []struct {
		step       int
		left, want time.Duration
	}{
		{0, 30 * time.Second, 5 * time.Second},
		{5, 30 * time.Second, 21 * time.Second}, // sync, with 5 + 2 + 2 s behind it
		{5, 15 * time.Second, 6 * time.Second},
		{5, time.Second, 6 * time.Second},
		{8, 20 * time.Second, 20 * time.Second},
	} {
		if got := steps[tt.step].limit(tt.left, steps[tt.step+1:]); got != tt.want {
			t.Errorf("%s with %v left: %v, want %v", steps[tt.step].Name, tt.left, got, tt.want)
		}
	}
}

func TestUnmountAll(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, append(boot.MountAll(boot.Early()), boot.MountLate()...))
		for _, dir := range []string{"/data", "/data/deeper", "/busy", "/with blank"} {
			nstest.Must(t, os.MkdirAll(dir, 0o755))
			nstest.Must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
		}
		file, err := os.Create("/busy/file")
		nstest.Must(t, err)
		dir, err := os.Open("/busy")
		nstest.Must(t, err)
		errs := unmountAll(5*time.Second, true)
		if got := errors.Join(errs...); len(errs) != 1 || !strings.Contains(fmt.Sprint(got), "umount /busy (tmpfs): device or resource busy; not made read-only: device or resource busy, and detached") {
			t.Errorf("errors %q, want one for /busy", got)
		}
		for _, gone := range []string{"/data", "/data/deeper", "/busy", "/with blank", "/run", "/tmp"} {
			if on := mounted(t, gone); len(on) != 0 {
				t.Errorf("%s is still mounted", gone)
			}
		}
		for _, stays := range []string{"/", "/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/sys/fs/cgroup"} {
			if on := mounted(t, stays); len(on) != 1 {
				t.Errorf("%s: %+v, want it mounted still", stays, on)
			}
		}
		file.Close()
		dir.Close()
	})
}

// A busy mount without writers becomes read-only, and that is enough.
func TestUnmountBusy(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, append(boot.MountAll(boot.Early()), boot.MountLate()...))
		nstest.Must(t, os.Mkdir("/busy", 0o755))
		nstest.Must(t, unix.Mount("tmpfs", "/busy", "tmpfs", 0, ""))
		nstest.Must(t, unix.Chdir("/busy"))
		nstest.None(t, unmountAll(5*time.Second, true))
		var st unix.Statfs_t
		nstest.Must(t, unix.Statfs(".", &st))
		if st.Flags&unix.MS_RDONLY == 0 {
			t.Error("the super block of the busy mount is still writable")
		}
	})
}

// In a container the super blocks are the host's.
func TestUnmountInContainer(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, append(boot.MountAll(boot.Early()), boot.MountLate()...))
		if !inNamespace() {
			t.Error("a pid namespace is not seen as a container")
		}
		nstest.Must(t, os.Mkdir("/busy", 0o755))
		nstest.Must(t, unix.Mount("tmpfs", "/busy", "tmpfs", 0, ""))
		nstest.Must(t, unix.Chdir("/busy"))
		// One on the other: in the wrong order the lower one would be busy.
		for _, dir := range []string{"/data", "/data/deeper"} {
			nstest.Must(t, os.Mkdir(dir, 0o755))
			nstest.Must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
		}
		errs := unmountAll(5*time.Second, false)
		if got := errors.Join(errs...); len(errs) != 1 || !strings.Contains(fmt.Sprint(got), "umount /busy (tmpfs): device or resource busy; left as it was, and detached") {
			t.Errorf("got %q, want one line for /busy", got)
		}
		nstest.Must(t, os.WriteFile("writable", nil, 0o644))
	})
}
