package node_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"golang.org/x/sys/unix"
)

// withNodes is a machine that has nodes of its own of ttys that this machine has too.
func withNodes(t *testing.T, toml string, ttys ...string) machine.Spec {
	s := machine.Spec{Cmdline: machine.NoNetwork, TOML: toml, TTYs: map[string]string{}, Writable: true,
		Files: map[string]string{"etc/passwd": "app:x:1000:1000::/:/bin/sh\n", "etc/group": "dialout:x:20:app\n"}}
	for _, name := range ttys {
		s.TTYs[name] = t.TempDir() + "/" + name
		makeNode(t, s.TTYs[name], name)
	}
	return s
}

func makeNode(t *testing.T, path, tty string) {
	t.Helper()
	text, err := os.ReadFile("/sys/class/tty/" + tty + "/dev")
	if err != nil {
		t.Skip("a kernel without ttys: ", err)
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(string(text), "%d:%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(major, minor))); err != nil {
		t.Fatal(err)
	}
}

// nodeOf is what a node of the machine is like: owner, group and mode.
func nodeOf(m *machine.Machine, name string) string {
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d/root/dev/%s", m.PID(), name), &st); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d:%d %04o", st.Uid, st.Gid, st.Mode&0o7777)
}

func linkOf(m *machine.Machine, name string) string {
	to, err := os.Readlink(fmt.Sprintf("/proc/%d/root/dev/%s", m.PID(), name))
	if err != nil {
		return err.Error()
	}
	return to
}

// TestDevices: the nodes that are there are set before the release is started, and what
// cannot be is a line each.
func TestDevices(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withNodes(t, `
[[device]]
match = "tty6[0-2]"
owner = "app"
group = "dialout"
mode = "0660"
[[device]]
match = { subsystem = "tty", devname = "tty61", active = "*" }
link = "gps/first"
[[device]]
match = { subsystem = "tty", dev = "4:62" }
link = "gps/first"
[[device]]
match = "tty63"
group = "nobody-has-it"
mode = "0666"
`, "tty61", "tty62", "tty63"))
	m.State(health.Rescue, 0)
	for name, want := range map[string]string{"tty61": "1000:20 0660", "tty62": "1000:20 0660", "tty63": "0:0 0600"} {
		if got := nodeOf(m, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if got := linkOf(m, "gps/first"); got != "../tty62" {
		t.Errorf("the link leads to %s", got)
	}
	m.Line(`[[device]] match = "tty63": group: no group "nobody-has-it" in /etc/group; want a name that is in the image, or a number; its mode and group stay`)
	if n := m.Count("[[device]]"); n != 1 {
		t.Errorf("%d lines about devices, want 1:\n%s", n, m.Tail())
	}
	lasts(m, "devices")
}

// lasts: the health records of this PID 1, and of one that it becomes, have that word of warn=.
func lasts(m *machine.Machine, word string) {
	m.T.Helper()
	warns := func(r health.Record) bool { return slices.Contains(r.Warn, word) }
	_, next := m.Record("warn="+word, 0, warns)
	m.Want(0, "", "reexec")
	m.Record("warn="+word+" of the next PID 1", next, warns)
}

// TestDevicesTwice: of two devices for one link the first has it, and one line says so.
func TestDevicesTwice(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withNodes(t, "[[device]]\nmatch = \"tty6[12]\"\nlink = \"gps\"\n", "tty61", "tty62"))
	m.State(health.Rescue, 0)
	has := linkOf(m, "gps")
	if has != "tty61" && has != "tty62" {
		t.Errorf("the link leads to %s", has)
	}
	m.LinesWith("link: /dev/gps leads to "+has+", which stays; want a match of one device", 1)
}

// TestDeviceComes: a device that comes later is set by a child that can do little else.
func TestDeviceComes(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, withNodes(t, "[[device]]\nmatch = \"tty60\"\nowner = \"1234\"\nmode = \"0640\"\nlink = \"gps\"\n"))
	m.State(health.Rescue, 0)
	if r := m.LastRecord(); len(r.Warn) > 0 {
		t.Errorf("warn=%v", r.Warn)
	}
	child := 0
	m.Eventually("the child hears", func() bool {
		for _, pid := range m.Below() {
			if strings.HasPrefix(m.StatusOf(pid)["Name"], "beaminit-device") && m.StatusOf(pid)["Seccomp"] == "2" {
				child = pid
			}
		}
		return child != 0
	})
	for key, want := range map[string]string{"CapEff": "0000000000000009", "CapBnd": "0000000000000009", "NoNewPrivs": "1"} {
		if got := m.StatusOf(child)[key]; got != want {
			t.Errorf("the child has %s %s, want %s", key, got, want)
		}
	}
	m.Reachable()
	m.Want(0, "", "reexec") // PID 1 executes itself anew, and the child goes on
	makeNode(t, fmt.Sprintf("/proc/%d/root/dev/tty60", m.PID()), "tty60")
	m.Eventually("the node is set", func() bool { // the event may come before the child listens
		m.Must(os.WriteFile("/sys/class/tty/tty60/uevent", []byte("add"), 0))
		return nodeOf(m, "tty60") == "1234:0 0640" && linkOf(m, "gps") == "tty60"
	})
	m.Must(os.Remove(fmt.Sprintf("/proc/%d/root/dev/tty60", m.PID())))
	m.Eventually("the link is gone", func() bool {
		m.Must(os.WriteFile("/sys/class/tty/tty60/uevent", []byte("remove"), 0))
		return strings.Contains(linkOf(m, "gps"), "no such file")
	})
	if name := m.StatusOf(child)["Name"]; !strings.HasPrefix(name, "beaminit-device") {
		t.Errorf("the child is %q after the reexec", name)
	}
	if n := m.Count("evice"); n != 0 {
		t.Errorf("something was said of devices:\n%s", m.Tail())
	}
}

// TestModulesChild: modules are loaded by a child that can do nothing else; an image without their tables is a
// line, and the node boots.
func TestModulesChild(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.Spec{Cmdline: machine.NoNetwork + " beaminit.kernel.autoload"})
	m.State(health.Rescue, 0)
	m.LinesWith("/modules.dep: no such file or directory; want what depmod(8) makes in the image", 1)
	child := 0
	m.Eventually("the child hears", func() bool {
		for _, pid := range m.Below() {
			if strings.HasPrefix(m.StatusOf(pid)["Name"], "beaminit-module") && m.StatusOf(pid)["Seccomp"] == "2" {
				child = pid
			}
		}
		return child != 0
	})
	for key, want := range map[string]string{"CapEff": "0000000000010000", "CapBnd": "0000000000010000", "NoNewPrivs": "1"} {
		if got := m.StatusOf(child)[key]; got != want {
			t.Errorf("the child has %s %s, want %s", key, got, want)
		}
	}
	m.Reachable()
	lasts(m, "modules")
	m.LinesWith("kernel.autoload:", 1)
}

// TestModuleHangs: a module of kernel.modules that hangs (here its file does) is a line, those behind it
// are loaded, and the node boots, answers, and goes down in order.
func TestModuleHangs(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"FIFO", "dead"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := boot.ModuleDir()[1:]
			s := machine.Spec{Cmdline: machine.NoNetwork + " beaminit.kernel.modules=stuck,gone", Dirs: []string{dir},
				Files: map[string]string{dir + "/modules.dep": "stuck.ko:\ngone.ko:\n"}}
			if kind == "FIFO" {
				s.FIFOs = []string{dir + "/stuck.ko"}
			} else {
				s.Files[dir+"/stuck.ko"] = "x"
				s.Dead, s.Asleep = []string{dir + "/stuck.ko"}, true
			}
			m := machine.Start(t, s)
			m.Line("module stuck: not loaded within 10s (its driver hangs?); going on without it")
			m.Line("load module /" + dir + "/gone.ko: no such file or directory")
			m.State(health.Rescue, 0)
			m.Reachable()
			m.Signal(unix.SIGTERM)
			m.State(health.Stopping, 0)
			m.Revive()
			if got := m.Ended(); got != unix.SIGHUP {
				t.Errorf("the kernel ended it with %v, want a reboot", got)
			}
		})
	}
}
