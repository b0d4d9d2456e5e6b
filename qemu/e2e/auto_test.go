package e2e

import (
	"strings"
	"testing"

	"github.com/beaminit/beaminit/qemu/lab"
)

// Three machines of one image, whose command lines do not differ in a byte, become a
// cluster: each has its name from its MAC, takes an address by itself and finds the others.
func TestAuto(t *testing.T) {
	nodes, err := lab.AutoSpecs(3)
	if err != nil {
		t.Fatal(err)
	}
	l := start(t, lab.Options{Nodes: nodes}, lab.AutoConfig(interval))
	if err := l.WaitWhole(within(t)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, n := range l.Nodes() {
		r, _ := n.Last()
		seen[r.Node] = true
		if !strings.HasSuffix(r.Node, "@"+n.Name()) || r.Discovery != "open" {
			t.Errorf("%s is %s, discovery=%s", n.Name(), r.Node, r.Discovery)
		}
		line, err := n.WaitLine(within(t), "Kernel command line:")
		if err != nil {
			t.Fatal(err)
		}
		_, line, _ = strings.Cut(line, "Kernel command line:")
		seen[line] = true
	}
	if len(seen) != 3+1 {
		t.Errorf("want three names and one command line: %v", seen)
	}
	gone := l.Nodes()[2]
	if err := gone.Kill(); err != nil {
		t.Fatal(err)
	}
	reach(t, l.Nodes()[0], "degraded without "+gone.Name(), missing(gone.Name()))
}
