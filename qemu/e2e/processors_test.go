package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/qemu/arch"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// A node of each processor that the lab knows: they become one cluster, each runs an ERTS of its
// own kind, and each heeds its power button.
func TestProcessors(t *testing.T) {
	if !*soak {
		t.Skip("takes minutes, and fetches packages: make other-arch")
	}
	var nodes []lab.NodeSpec
	usual, err := lab.NodeSpecs(len(arch.Names()))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range arch.Names() {
		if _, err := exec.LookPath(arch.Of(name).QEMU); err != nil {
			t.Fatalf("%v: install %s", err, arch.Of(name).Package)
		}
		nodes = append(nodes, lab.NodeSpec{Name: "on-" + name, Address: usual[i].Address})
	}
	for i, name := range arch.Names() {
		init, err := image.BuildInit("../..", name)
		if err != nil {
			t.Fatal(err)
		}
		s := image.Spec{Dir: buildDir, Name: "image-on-" + name, Arch: name, Init: init, Config: lab.Config(nodes, interval)}
		set, err := image.Build(s, func(s string) { t.Log(s) })
		if err != nil {
			t.Fatal(err)
		}
		nodes[i].Image = &set
	}
	l := startSet(t, lab.Options{Nodes: nodes}, *nodes[0].Image)
	if err := l.WaitWhole(within(t)); err != nil {
		t.Fatal(err)
	}
	for _, name := range arch.Names() {
		kind := ask(t, l, fmt.Sprintf("io:put_chars(rpc:call('eclero@on-%s', erlang, system_info, [system_architecture]))", name))
		if want := map[string]string{"386": "i386-", "amd64": "x86_64-", "arm64": "aarch64-"}[name]; !strings.HasPrefix(kind, want) {
			t.Errorf("the ERTS of on-%s is for %q, want %s…", name, kind, want)
		}
	}
	for _, line := range l.PowerOff(within(t)) {
		if !strings.Contains(line, "went down in order") {
			t.Error(line)
		}
	}
}
