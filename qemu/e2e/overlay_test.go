package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// TestOverlayRoot: what a release writes to /etc is kept on the data partition or forgotten, as root.overlay has it,
// and left out by one word of the kernel command line; the data partition is clean after the way down.
func TestOverlayRoot(t *testing.T) {
	if !*soak {
		t.Skip("make boards runs it, for make soak")
	}
	t.Parallel()
	nodes, err := lab.NodeSpecs(2)
	if err != nil {
		t.Fatal(err)
	}
	nodes[0].Append, nodes[1].Append = "beaminit.root.overlay=tmpfs", "beaminit.root.overlay=/data/overlay"
	l := startImage(t, lab.Options{Nodes: nodes}, image.Spec{Modules: []string{"overlay"}, Config: lab.Config(nodes, interval)})
	forgets, keeps := l.Nodes()[0], l.Nodes()[1]
	boots := func(n *lab.Node) {
		t.Helper()
		reach(t, n, "up", func(r lab.Record) bool { return r.State == health.Up && len(r.Warn) == 0 })
	}
	written := func(n *lab.Node, want string) {
		t.Helper()
		if got := rpc(t, l, n, `file:read_file("/etc/written")`); got != want {
			t.Errorf("%s: /etc/written is %s, want %s\n%s", n.Name(), got, want, strings.Join(n.Tail(100), "\n"))
		}
	}
	const nothing, something = "{error,enoent}", `{ok,<<"something">>}`
	for _, n := range []*lab.Node{forgets, keeps} {
		boots(n)
		written(n, nothing)
		if got := rpc(t, l, n, `{file:write_file("/etc/written", "something"), file:delete("/etc/hosts.deny"), file:write_file("/data/beside", "b")}`); got != "{ok,{error,enoent},ok}" {
			t.Errorf("%s: writing: %s", n.Name(), got)
		}
		written(n, something)
		if err := n.Monitor("system_powerdown"); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []*lab.Node{forgets, keeps} {
		waitStatus(t, l, n, lab.Off)
		if tail := strings.Join(n.Tail(100), "\n"); strings.Contains(tail, "remount") || strings.Contains(tail, "umount /") {
			t.Errorf("%s: not in order:\n%s", n.Name(), tail)
		}
		out, err := exec.Command("/usr/sbin/dumpe2fs", "-h", n.Disk()).CombinedOutput()
		if err != nil || strings.Contains(string(out), "needs_recovery") || !strings.Contains(string(out), "Filesystem state:         clean") {
			t.Errorf("%s: the data partition is not clean: %v\n%s", n.Name(), err, out)
		}
		if err := n.Start(); err != nil {
			t.Fatal(err)
		}
	}
	boots(forgets)
	written(forgets, nothing)
	boots(keeps)
	written(keeps, something)
	if err := keeps.Kill(); err != nil {
		t.Fatal(err)
	}
	keeps.Spec.Append = "beaminit.root.overlay=off"
	if err := keeps.Start(); err != nil {
		t.Fatal(err)
	}
	boots(keeps)
	written(keeps, nothing)
	if got := rpc(t, l, keeps, `file:write_file("/etc/written", "x")`); got != "{error,erofs}" {
		t.Errorf("without the overlay the root is to be as it is mounted: %s", got)
	}
}
