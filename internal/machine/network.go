package machine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"

	"github.com/beaminit/beaminit/node"
	"golang.org/x/sys/unix"
)

// Bridge is a switch in a network namespace of its own; it ends with the test.
func Bridge(t *testing.T) (pid int) {
	t.Helper()
	Init(t) // or the test is skipped
	cmd := exec.Command("sleep", "infinity")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := nstest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	InNet(t, cmd.Process.Pid, "ip link add br0 type bridge && ip link set br0 up")
	return cmd.Process.Pid
}

// InNet runs a script of sh(1) in the network namespace of a process.
func InNet(t testing.TB, pid int, script string) {
	t.Helper()
	if err := inNet(pid, script); err != nil {
		t.Fatal(err)
	}
}

func inNet(pid int, script string) error {
	out, err := exec.Command("nsenter", "--net=/proc/"+strconv.Itoa(pid)+"/ns/net", "sh", "-c", script).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w %s", script, err, out)
	}
	return nil
}

// Plug gives the machine an eth0 whose other end is a port of the bridge.
func (m *Machine) Plug(bridge, port int) {
	m.T.Helper()
	if err := inNet(m.PID(), fmt.Sprintf("ip link add eth0 type veth peer name port%d netns %d", port, bridge)); err != nil {
		m.T.Fatalf("%v%s\n%s", err, m.howEnded(), m.Tail())
	}
	InNet(m.T, bridge, fmt.Sprintf("ip link set port%d master br0 && ip link set port%d up", port, port))
}

// Dnsmasq is a DHCP and DNS server on a bridge.
func Dnsmasq(t *testing.T, bridge int, args ...string) {
	t.Helper()
	InNet(t, bridge, "ip link set lo up; ip address replace 10.77.0.1/24 dev br0")
	args = append([]string{
		"--net=/proc/" + fmt.Sprint(bridge) + "/ns/net",
		"dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "--bind-interfaces", "-i", "br0", "-u", "root", "-x", "",
		"--no-ping", "--dhcp-authoritative", "--dhcp-leasefile=" + t.TempDir() + "/leases", "--dhcp-range=10.77.0.50,10.77.0.99,10m",
	}, args...)
	cmd := exec.Command("nsenter", args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// In is what a file of the machine holds now; empty: it is not there.
func (m *Machine) In(path string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/root%s", m.PID(), path))
	return string(text)
}

// InNetwork calls f on a thread that is in the machine's network namespace, where the
// abstract names of unix sockets are, with the control socket's path from here. The
// thread ends with it.
func (m *Machine) InNetwork(f func(path string)) {
	m.T.Helper()
	pid := m.PID()
	failed := make(chan error, 1)
	go func() {
		defer close(failed) // a test that fails ends this goroutine
		runtime.LockOSThread()
		fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err == nil {
			f(fmt.Sprintf("/proc/%d/root%s", pid, node.ControlPath))
		}
		failed <- err
	}()
	m.Must(<-failed)
}
