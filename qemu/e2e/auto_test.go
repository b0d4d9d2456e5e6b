package e2e

import (
	"flag"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/qemu/lab"
)

var soak = flag.Bool("soak", false, "what takes longer than make test may, too")

// Three machines of one image, of which nobody tells one from another, become a cluster:
// each has its name from its MAC, takes an address by itself and finds the others. One that
// is switched off is missing.
func TestAuto(t *testing.T) {
	if !*soak {
		t.Skip("takes a minute: make auto")
	}
	nodes, err := lab.AutoSpecs(3)
	if err != nil {
		t.Fatal(err)
	}
	l := start(t, lab.Options{Nodes: nodes}, lab.AutoConfig(interval))
	if err := l.WaitWhole(within(t)); err != nil {
		t.Fatal(err)
	}
	for _, n := range l.Nodes() {
		if r, _ := n.Last(); !strings.HasSuffix(r.Node, "@"+n.Name()) || r.Discovery != "open" {
			t.Errorf("%s is %s, discovery=%s", n.Name(), r.Node, r.Discovery)
		}
	}
	gone := l.Nodes()[2]
	if err := gone.Kill(); err != nil {
		t.Fatal(err)
	}
	reach(t, l.Nodes()[0], "degraded without "+gone.Name(), missing(gone.Name()))
}
