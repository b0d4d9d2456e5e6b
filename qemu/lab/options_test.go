package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/namespace"
)

func TestNodeSpecs(t *testing.T) {
	list, err := NodeSpecs(4)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"eclero6 192.168.7.6", "eclero8 192.168.7.8", "eclero10 192.168.7.10", "eclero12 192.168.7.12"} {
		if got := list[i].Name + " " + list[i].Address.String(); got != want {
			t.Errorf("node %d is %q, want %q", i, got, want)
		}
	}
	for _, n := range []int{-1, 0, 101} {
		if _, err := NodeSpecs(n); err == nil {
			t.Errorf("%d nodes gave no error", n)
		}
	}
}

// What goes into the image is read by the node without a problem.
func TestConfig(t *testing.T) {
	specs, err := NodeSpecs(3)
	if err != nil {
		t.Fatal(err)
	}
	specs[2].Node = "app-17001"
	c := config.Load("hostname=eclero6", func(path string) ([]byte, error) {
		if path != "/etc/beaminit.toml" {
			return nil, os.ErrNotExist
		}
		return Config(specs, 3*time.Second), nil
	})
	if len(c.Problems) > 0 || len(c.Notes) > 0 {
		t.Errorf("problems %v, notes %v", c.Problems, c.Notes)
	}
	if len(c.Peers) != 3 || c.Health.Interval != 3*time.Second || c.Distribution.Port != Port {
		t.Errorf("peers %v, interval %v, port %d", c.Peers, c.Health.Interval, c.Distribution.Port)
	}
	if got := c.Peers[len(c.Peers)-1].Node; got != "app-17001" {
		t.Errorf("the last peer's node is called %q", got)
	}
	if c.Distribution.Name != "" {
		t.Errorf("every release is called %q, want it to have its own name", c.Distribution.Name)
	}
}

// Nodes that nobody tells anything have one configuration and one command line; the name that
// the lab has for each is the one that it gives itself.
func TestAuto(t *testing.T) {
	specs, err := AutoSpecs(3)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for _, s := range specs {
		n := &Node{Spec: s, lab: &Lab{opts: Options{Image: image.Set{}}}}
		lines[n.cmdline()] = true
		c := config.Load(n.cmdline(), func(path string) ([]byte, error) {
			a := s.Address.As4()
			switch path {
			case "/etc/beaminit.toml":
				return AutoConfig(time.Second), nil
			case "/sys/class/net/eth0/address":
				return fmt.Appendf(nil, "52:54:00:%02x:%02x:%02x\n", a[1], a[2], a[3]), nil
			}
			return nil, os.ErrNotExist
		})
		if c.Node.Hostname != s.Name || len(c.Problems) > 0 || len(c.Notes) > 0 || len(c.Peers) > 0 {
			t.Errorf("%s is %s, problems %v, notes %v, peers %v", s.Name, c.Node.Hostname, c.Problems, c.Notes, c.Peers)
		}
	}
	if len(lines) != 1 {
		t.Errorf("command lines %v, want one", lines)
	}
}

func TestCmdline(t *testing.T) {
	specs, err := NodeSpecs(1)
	if err != nil {
		t.Fatal(err)
	}
	specs[0].Append = "b=2"
	n := &Node{Spec: specs[0], lab: &Lab{opts: Options{Append: "a=1", Image: image.Set{}}}}
	want := "console=ttyS0 root=/dev/vda rootfstype=squashfs ro panic=5 loglevel=5 sysctl.kernel.printk=7 net.ifnames=0 " +
		"ip=192.168.7.6::192.168.7.1:255.255.255.0:eclero6:eth0:off a=1 b=2"
	if got := n.cmdline(); got != want {
		t.Errorf("the kernel command line is\n%s, want\n%s", got, want)
	}
}

// A node may have what the others have not.
func TestNodeOfItsOwn(t *testing.T) {
	set := image.Set{Arch: "arm64", Root: "/own.squashfs", RootType: "ext4", Initramfs: "/own.cpio"}
	n := &Node{Spec: NodeSpec{Name: "a", Memory: 512, CPUs: 2, Image: &set, NoNIC: true}, lab: &Lab{opts: Options{Memory: 256}}}
	got := strings.Join(n.arguments(), " ")
	for _, want := range []string{"-smp 2", "-m 512", "file=/own.squashfs", "-initrd /own.cpio", "rootfstype=ext4", "-machine virt", "console=ttyAMA0"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

// One reset is one line, however often QEMU tells it.
func TestReset(t *testing.T) {
	n := &Node{lab: &Lab{}}
	for boot := range uint32(2) {
		ran := health.Record{Boot: boot, Seq: 1, State: health.Up}
		n.view.Line(ran.Append([]byte(health.Speaker)), time.Now())
		for range 3 {
			n.machineEvent("RESET", "guest-reset")
		}
	}
	if got := len(n.lab.events); got != 2 {
		t.Errorf("two resets made %d events: %v", got, n.lab.events)
	}
}

func TestOneLabADirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := takeLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := takeLock(dir); !errors.Is(err, ErrRuns) || !strings.Contains(err.Error(), filepath.Dir(dir)) {
		t.Errorf("the second lock gave %v, want %v", err, ErrRuns)
	}
	first.Close()
	second, err := takeLock(dir)
	if err != nil {
		t.Fatalf("after the first is gone: %v", err)
	}
	second.Close()
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		t.Error(err)
	}
}

// What a lab that was killed has left is removed by the next one, which says so; one that came to its end is no
// word worth.
func TestTidy(t *testing.T) {
	dir := t.TempDir()
	var said []string
	tidy := func() string {
		t.Helper()
		said = nil
		if err := Tidy(dir, func(text string) { said = append(said, text) }); err != nil {
			t.Fatal(err)
		}
		return strings.Join(said, "\n")
	}
	if got := tidy(); got != "" {
		t.Errorf("where there was no lab: %s", got)
	}
	run := RunDir(dir)
	if err := os.MkdirAll(filepath.Join(run, "remsh-"), 0o755); err != nil {
		t.Fatal(err)
	}
	begin := func() *os.File {
		t.Helper()
		lock, err := takeLock(run)
		if err == nil {
			err = noteLock(lock)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(run, "lan.sock"), nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return lock
	}
	lock := begin()
	if err := Tidy(dir, func(text string) { t.Error(text) }); !errors.Is(err, ErrRuns) {
		t.Errorf("while it runs: %v", err)
	}
	lock.Close() // as by kill -9
	if got := tidy(); !strings.HasPrefix(got, fmt.Sprintf("the lab before (pid %d, begun 2", os.Getpid())) || !strings.HasSuffix(got, run+": lan.sock, remsh-") {
		t.Errorf("after one that was killed: %s", got)
	}
	if got := tidy(); got != "" {
		t.Errorf("once more: %s", got)
	}
	if left, _ := os.ReadDir(run); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	releaseLock(begin())
	if got := tidy(); got != "" {
		t.Errorf("after one that came to its end: %s", got)
	}
}

// A configuration for virtual machines becomes one for namespaces, however it is written.
func TestAsNamespaces(t *testing.T) {
	specs, err := NodeSpecs(2)
	if err != nil {
		t.Fatal(err)
	}
	const written = "[[mount]]\ntarget   = \"/data\"\n\nsource = \"/dev/vdb\" # the disk\ntype = \"ext4\"\n[[mount]]\nsource = \"tmpfs\"\ntarget = \"/opt\"\ntype = \"tmpfs\"\n[health]\ninterval = \"3s\"\n"
	for name, text := range map[string]string{"the lab's own": string(Config(specs, time.Second)), "one of a person": written, "one with a release": written + "[release]\nargs = [\"+S\", \"1\"]\n"} {
		c := config.Load("hostname=eclero6", func(path string) ([]byte, error) {
			if path != "/etc/beaminit.toml" {
				return nil, os.ErrNotExist
			}
			return AsNamespaces([]byte(text)), nil
		})
		data := -1
		for i, m := range c.Mounts {
			if m.Target == "/data" {
				data = i
			}
		}
		quiet := slices.Contains(c.Release.Args, "+sbwt")
		if len(c.Problems) > 0 || data < 0 || c.Mounts[data].Source != namespace.DataAt || quiet == strings.Contains(text, "[release]") || c.Health.Interval == 0 {
			t.Errorf("%s: problems %v, mounts %+v, args %q", name, c.Problems, c.Mounts, c.Release.Args)
		}
	}
}
