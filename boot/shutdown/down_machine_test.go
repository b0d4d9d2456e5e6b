package shutdown_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/boot/shutdown"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// traced runs strace(1) on PID 1 and gives what it saw of reboot(2), after the end.
func traced(m *machine.Machine) (rest func() string) {
	m.T.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		m.T.Skip("no strace")
	}
	out := filepath.Join(m.T.TempDir(), "trace")
	pid := strconv.Itoa(m.PID())
	cmd := exec.Command("strace", "-f", "-e", "trace=reboot", "-e", "signal=none", "-o", out, "-p", pid)
	var said bytes.Buffer
	cmd.Stderr = &said
	m.Must(cmd.Start())
	m.T.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for deadline := time.Now().Add(nstest.Patience); ; time.Sleep(5 * time.Millisecond) {
		threads, _ := filepath.Glob("/proc/" + pid + "/task/*/status")
		if !slices.ContainsFunc(threads, func(status string) bool { // any of them may call reboot(2)
			text, _ := os.ReadFile(status)
			return bytes.Contains(text, []byte("TracerPid:\t0\n"))
		}) {
			break
		}
		if time.Now().After(deadline) {
			m.T.Fatalf("strace does not attach: %s", &said)
		}
	}
	return func() string {
		cmd.Wait()
		text, err := os.ReadFile(out)
		m.Must(err)
		return string(text)
	}
}

// The first line of /run/reboot-param goes to the kernel with the reboot; what is no
// argument is said, and the node reboots without it.
func TestRebootParam(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, line, call string }{
		{"good", "0 tryboot\n", `reboot: with the argument "0 tryboot"`, `LINUX_REBOOT_CMD_RESTART2, "0 tryboot" `},
		{"bad", "0 try\x1bboot\n", `reboot: /run/reboot-param: the argument "0 try\x1bboot" has something else in it than printable ASCII; rebooting without it`, "LINUX_REBOOT_CMD_RESTART "},
		{"none", "", "reboot: unmount everything: ", "LINUX_REBOOT_CMD_RESTART "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork})
			m.State(health.Rescue, 0)
			if tt.text != "" {
				m.Must(os.WriteFile("/proc/"+strconv.Itoa(m.PID())+"/root"+shutdown.RebootParamPath, []byte(tt.text), 0o644))
			}
			calls := traced(m)
			m.Signal(unix.SIGTERM)
			m.Line(tt.line)
			if got := m.Ended(); got != unix.SIGHUP {
				t.Errorf("ended by %v", got)
			}
			if got := calls(); !strings.Contains(got, tt.call) {
				t.Errorf("want %q in\n%s", tt.call, got)
			}
		})
	}
}

// inside runs a program of the machine in its namespaces, and gives its output.
func inside(m *machine.Machine, args ...string) string {
	m.T.Helper()
	cmd := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(m.PID()), "-a", "--"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// beaminit reboot ARG leaves the argument, and the way down has its times.
func TestRebootCommand(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "")
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	if got := inside(m, "/sbin/init", "reboot", "-w"); !strings.Contains(got, "reboot: -w: there is no wtmp") {
		t.Errorf("%q", got)
	}
	inside(m, "/sbin/init", "reboot", "0 tryboot")
	m.Line(`reboot: with the argument "0 tryboot"`)
	m.Line("reboot: release stopped: ")
	m.Line("reboot: sync: ")
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("ended by %v", got)
	}
}

// -f does not ask PID 1.
func TestForce(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork})
	m.State(health.Rescue, 0)
	inside(m, "/sbin/init", "poweroff", "-nf")
	if got := m.Ended(); got != unix.SIGINT {
		t.Errorf("ended by %v", got)
	}
	if m.Count("poweroff: ") > 0 {
		t.Errorf("PID 1 did something:\n%s", m.Tail())
	}
}

// An image whose machine-id was left to the boot has one, the same at the next boot;
// the kernel command line has the last word.
func TestMachineID(t *testing.T) {
	t.Parallel()
	s := machine.WithState()
	s.Files = map[string]string{"etc/machine-id": "uninitialized\n"}
	id := func(s machine.Spec) string {
		t.Helper()
		m := machine.Start(t, s)
		m.State(health.Rescue, 0)
		text, err := os.ReadFile("/proc/" + strconv.Itoa(m.PID()) + "/root/etc/machine-id")
		m.Must(err)
		if s.Files["etc/machine-id"] == "uninitialized\n" && !strings.Contains(s.Cmdline, "machine_id") {
			if saved := m.AwaitFile(filepath.Join(m.Root, "store/beaminit/machine-id"), ""); saved != string(text) {
				t.Errorf("saved %q, shown %q", saved, text)
			}
		}
		m.Signal(unix.SIGTERM)
		m.Ended()
		return string(text)
	}
	first := id(s)
	if len(first) != 33 {
		t.Fatalf("%q", first)
	}
	s.Files["store/beaminit/machine-id"] = first
	if again := id(s); again != first {
		t.Errorf("%q, then %q", first, again)
	}
	const given = "00112233445566778899aabbccddeeff"
	s.Cmdline += "systemd.machine_id=" + given
	if got := id(s); got != given+"\n" {
		t.Errorf("%q, want %s", got, given)
	}
	s = machine.WithState()
	s.Files = map[string]string{"etc/machine-id": given + "\n"}
	if got := id(s); got != given+"\n" {
		t.Errorf("the image's own became %q", got)
	}
}

// The core pattern, the clock and swap of a container are its host's.
func TestContainer(t *testing.T) {
	t.Parallel()
	const path = "/proc/sys/kernel/core_pattern"
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork + "beaminit.kernel.core_pattern=/tmp/never.%p"})
	r, _ := m.State(health.Rescue, 0)
	if r.Clock != "kernel" {
		t.Errorf("clock=%s", r.Clock)
	}
	m.Line("kernel.core_pattern: not set: this is a container")
	m.Signal(unix.SIGTERM)
	m.Ended()
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Errorf("the pattern was %q and is %q", before, after)
	}
}
