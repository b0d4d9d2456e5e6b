package e2e

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// startAsNamespaces starts a lab of nodes that are namespaces, with this configuration for all.
func startAsNamespaces(t *testing.T, o lab.Options, config []byte) *lab.Lab {
	t.Helper()
	nstest.AsRoot(t)
	config = lab.AsNamespaces(config)
	building.Lock()
	set, err := image.Directory(image.Spec{Dir: buildDir, Init: theInit(t), Name: fmt.Sprintf("namespaces-%.4x", sha256.Sum256(config)), Config: config}, func(s string) { t.Log(s) })
	building.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	o.As = lab.AsNS
	return startSet(t, o, set)
}

// What is done to virtual machines is done to nodes that are namespaces, and what cannot be is said.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	nodes, err := lab.NodeSpecs(3)
	if err != nil {
		t.Fatal(err)
	}
	nodes[2].Append = "beaminit.console.tty=ttyS1" // for who sits at it
	l := startAsNamespaces(t, lab.Options{Nodes: nodes}, lab.Config(nodes, interval))
	whole := func() {
		t.Helper()
		if err := l.WaitWhole(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	do := func(words ...string) {
		t.Helper()
		if err := l.Do(words...); err != nil {
			t.Fatal(err)
		}
	}
	whole()
	six, eight, ten := l.Nodes()[0], l.Nodes()[1], l.Nodes()[2]

	first, _ := six.Last()
	if first.Up > time.Since(l.Begun()) {
		t.Errorf("it has been up for %v, and its lab for %v", first.Up, time.Since(l.Begun()))
	}
	if got := rpc(t, l, six, "length(nodes())"); got != "2" {
		t.Errorf("%s nodes, want 2", got)
	}
	if got := rpc(t, l, six, `[file:write_file(F, "1") || F <- ["/proc/sys/kernel/printk", "/proc/sys/kernel/hostname", "/srv/x", "/sys/fs/cgroup/cgroup.procs"]]`); strings.Contains(got, "ok") {
		t.Errorf("it writes what is this machine's: %s", got)
	}
	seen := sniffed(t, l, "-Y", "erldp || frame.comment || tcp.port == 4369", "-T", "fields", "-e", "ip.src_host", "-e", "_ws.col.Info", "-e", "tcp.dstport", "-e", "frame.comment")
	plays(t, l, "cut-and-heal")
	text := seen("SEND_CHALLENGE_ACK")
	for _, want := range []string{"SEND_NAME eclero@eclero", "SEND_CHALLENGE eclero@eclero", "eclero10\t", "isolate eclero10", "cut", "heal"} {
		if !strings.Contains(text, want) {
			t.Errorf("tshark sees nothing of %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "\t4369\t") {
		t.Errorf("somebody asks an epmd:\n%s", text)
	}

	t.Run("the page, in a browser", func(t *testing.T) { seesPage(t, l) })

	do("stop", "eclero10")
	reach(t, six, "degraded without the one that is stopped", missing("eclero10"))
	waitStatus(t, l, ten, lab.Dead)
	do("cont", "eclero10")
	whole()

	do("unplug", "eclero8")
	reach(t, eight, "a record without carrier", func(r lab.Record) bool { return strings.Contains(fmt.Sprint(r.Net), "eth0:no-carrier") })
	do("heal", "eclero8")
	whole()

	for words, says := range map[string]string{"disk eclero6 slow": "eclero6: its /data is a directory", "disk eclero6 readonly": "eclero6: its /data is a directory", "disk eclero6 full": "eclero6: its /data is a directory"} {
		if err := l.Do(strings.Fields(words)...); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%s: %v, want %q", words, err, says)
		}
	}
	do("reset", "eclero6")
	reach(t, six, "another boot", func(r lab.Record) bool { return r.Boot != first.Boot && r.State == health.Up })
	whole()
	before, _ := eight.Last()
	rpc(t, l, eight, `open_port({spawn_executable, "/sbin/reboot"}, [])`)
	reach(t, eight, "the next boot", func(r lab.Record) bool { return r.Boot != before.Boot && r.State == health.Up })
	cut := time.Now()
	do("kill", "eclero6")
	reach(t, eight, "degraded without the one whose power is cut", missing("eclero6"))
	if soon := time.Since(cut); soon < 2*time.Second {
		t.Errorf("it is missed after %v: what has no power ends no connection, and is missed after cluster.timeout, 3 s", soon)
	}
	do("disk", "eclero6", "wipe")
	do("start", "eclero6")
	do("poweroff", "eclero10")
	waitStatus(t, l, ten, lab.Off)
	do("start", "eclero10")
	whole()
	typesIn(t, l, ten)
	for _, line := range l.PowerOff(within(t)) {
		if !strings.Contains(line, "went down in order") {
			t.Error(line)
		}
	}
}

// sniffed is what lab sniff has tshark say about the LAN from now on, up to a word. The words have it show
// what has a comment.
func sniffed(t *testing.T, l *lab.Lab, words ...string) (upTo func(word string) string) {
	t.Helper()
	cmd := exec.Command(labBin, append([]string{"sniff", "-dir", l.Dir()}, words...)...)
	said, err := cmd.StdoutPipe()
	if err == nil {
		err = nstest.Start(cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(unix.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("lab sniff ended with %v", err)
		}
	})
	lines := make(chan string, 10000)
	go func() {
		for in := bufio.NewScanner(said); in.Scan(); {
			lines <- in.Text()
		}
		close(lines)
	}()
	nstest.Await(t, "tshark has begun", func() bool { l.Switch.Comment("look here"); return len(lines) > 0 }, func() string { return cmd.String() })
	return func(word string) (text string) {
		late := time.After(nstest.Patience)
		for !strings.Contains(text, word) {
			select {
			case line, more := <-lines:
				if text += line + "\n"; !more {
					t.Fatalf("lab sniff has ended; it said\n%s", text)
				}
			case <-late:
				t.Fatalf("nothing of %q on the LAN; there was\n%s", word, text)
			}
		}
		return text
	}
}

// typesIn has the release's own shell, on the second serial port, say where it is.
func typesIn(t *testing.T, l *lab.Lab, n *lab.Node) {
	t.Helper()
	port, leave, err := n.Shell()
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	s := seat{t: t, node: n, port: port}
	s.knock()
	s.typeIn("node().\r", "eclero@"+n.Name())
}

// A lab that is killed leaves nothing: its nodes end with it, and with them all that was theirs.
func TestNamespacesEnd(t *testing.T) {
	t.Parallel()
	nstest.AsRoot(t)
	dir := t.TempDir()
	cmd := exec.Command(labBin, "serve", "-as", "ns", "-nodes", "2", "-dir", dir, "-init", theInit(t))
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := nstest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	client := lab.NewClient(dir)
	nstest.Await(t, "both nodes are up", func() bool { s, err := client.Status(); return err == nil && s.Whole() }, said.String)
	// It drops its privileges, as dnsmasq does where it is not told to be root.
	guest := exec.Command(labBin, "join", "-dir", dir, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", "echo here; exec sleep 1000")
	var guestSaid strings.Builder
	guest.Stderr = &guestSaid
	here, err := guest.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := nstest.Start(guest); err != nil {
		t.Fatal(err)
	}
	defer guest.Process.Kill()
	if line, err := bufio.NewReader(here).ReadString('\n'); line != "here\n" {
		t.Fatalf("the guest says %q (%v)", line, err)
	}
	var spaces []string
	for _, p := range childrenOf(cmd.Process.Pid) {
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", p))
		if err != nil {
			t.Fatal(err)
		}
		spaces = append(spaces, ns)
	}
	if len(spaces) != 2 || len(inSpaces(spaces)) < 4 {
		t.Fatalf("the lab has %d nodes, of %d processes", len(spaces), len(inSpaces(spaces)))
	}
	cmd.Process.Signal(unix.SIGKILL)
	cmd.Wait()
	nstest.Await(t, "no process of theirs is left", func() bool { return len(inSpaces(spaces)) == 0 }, func() string { return fmt.Sprint(inSpaces(spaces)) })
	ended := make(chan error, 1)
	go func() { ended <- guest.Wait() }()
	select {
	case <-ended:
	case <-time.After(nstest.Patience):
		t.Error("what joined the LAN goes on without it")
	}
	if !strings.Contains(guestSaid.String(), "the lab has ended") {
		t.Errorf("the guest says %q, want that the lab has ended", guestSaid.String())
	}
	out, _ := exec.Command(labBin, "run", "-as", "ns", "-dir", dir, "-init", theInit(t), "-release", "/nosuch").CombinedOutput()
	if want := "ended without a word, as by kill -9 or for want of memory; removed what it left in " + lab.RunDir(dir) + ": control.sock, lan.sock, host-192.168.7.1\n"; !strings.Contains(string(out), want) {
		t.Errorf("the next one says %q, want %q in it", out, want)
	}
}

// childrenOf are the processes whose parent it is.
func childrenOf(pid int) (list []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		head, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(strings.Fields(head)[0])
			list = append(list, child)
		}
	}
	return list
}

// inSpaces are the processes in these pid namespaces.
func inSpaces(spaces []string) (list []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/ns/pid")
	for _, link := range links {
		ns, err := os.Readlink(link)
		for _, s := range spaces {
			if err == nil && ns == s {
				list = append(list, link)
			}
		}
	}
	return list
}
