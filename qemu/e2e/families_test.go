package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// The demo is made by systools; these are the other two families of releases, made from
// the sources that the tests of nodes have, as their own tools make them. Two nodes
// are a mesh.
func TestFamilies(t *testing.T) {
	if !*soak {
		t.Skip("make auto runs it, for make soak; TestKinds has these releases in namespaces")
	}
	for _, f := range []struct {
		name, release, says string
		tool                []string
	}{
		{"relx", "_build/default/rel/own", "word plain mode embedded", []string{"rebar3", "release", "-n", "own"}},
		{"mix", "_build/prod/rel/runtime", "word runtime-runtime consolidated true", []string{"mix", "release", "runtime", "--quiet"}},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), f.name)
			if out, err := exec.Command("cp", "-r", "../../internal/machine/testdata/kinds/"+f.name, dir).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			cmd := exec.Command(f.tool[0], f.tool[1:]...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "MIX_ENV=prod", "HOME="+dir, "HEX_OFFLINE=1", "REBAR_OFFLINE=1", "LANG=C.UTF-8")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", f.tool, err, out)
			}
			nodes, err := lab.NodeSpecs(2)
			if err != nil {
				t.Fatal(err)
			}
			l := startImage(t, lab.Options{Nodes: nodes, Append: "beaminit.distribution.name=bird"},
				image.Spec{Config: lab.Config(nodes, interval), Release: filepath.Join(dir, f.release)})
			if err := l.WaitWhole(within(t)); err != nil {
				t.Fatal(err)
			}
			for _, n := range l.Nodes() {
				tail := strings.Join(n.Tail(300), "\n")
				if !strings.Contains(tail, "node=bird@"+n.Name()+" state=up") || !strings.Contains(tail, f.says) {
					t.Errorf("%s: want bird up, and %q, in\n%s", n.Name(), f.says, tail)
				}
			}
		})
	}
}
