package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
)

// Ask runs beaminit on the machine, and gives what it prints and its exit status.
func (m *Machine) Ask(args ...string) (text string, status int) {
	m.T.Helper()
	pid := strconv.Itoa(m.PID())
	cmd := exec.Command("nsenter", append([]string{"-m", "-n", "-p", "-u", "-t", pid, "/sbin/init"}, args...)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.T.Fatal(err)
	}
	m.T.Logf("beaminit %s: %d\n%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), out)
	return string(out), cmd.ProcessState.ExitCode()
}

// Output is what a command of beaminit prints on the machine, and what it says beside.
func (m *Machine) Output(args ...string) (out, said string) {
	m.T.Helper()
	var text, errs strings.Builder
	cmd := exec.Command("nsenter", append([]string{"-m", "-n", "-p", "-u", "-t", strconv.Itoa(m.PID()), "/sbin/init"}, args...)...)
	cmd.Stdout, cmd.Stderr = &text, &errs
	if err := cmd.Run(); err != nil {
		m.T.Fatalf("beaminit %v: %v %s", args, err, errs.String())
	}
	m.T.Logf("beaminit %s\n%s%s", strings.Join(args, " "), errs.String(), text.String())
	return text.String(), errs.String()
}

// Want asks, and the answer has to have that exit status and text.
func (m *Machine) Want(status int, text string, args ...string) {
	m.T.Helper()
	out, got := m.Ask(args...)
	if got != status || !strings.Contains(out, text) {
		m.T.Errorf("beaminit %v: exit status %d, want %d; want %q in\n%s\n%s", args, got, status, text, out, m.Tail())
	}
}

// Reachable waits for the control socket: it comes after the first record.
func (m *Machine) Reachable() {
	m.T.Helper()
	path := fmt.Sprintf("/proc/%d/root/run/beaminit/control", m.PID())
	for deadline := time.Now().Add(nstest.Patience); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			m.T.Fatalf("no %s\n%s", path, m.Tail())
		}
	}
}

// Fault makes PID 1 panic when it comes to the place of that name.
func (m *Machine) Fault(name string) {
	m.T.Helper()
	m.Must(os.WriteFile(filepath.Join(m.Root, "data/fault-"+name), nil, 0o600))
}

// Descriptors is how many PID 1 has open.
func (m *Machine) Descriptors() int {
	m.T.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", m.PID()))
	m.Must(err)
	return len(list)
}
