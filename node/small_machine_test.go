package node_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
)

// What docs/small-boards.md says is in force: the VM has interactive mode, though the
// release's own vm.args wants embedded, and no more schedulers and threads than it says.
func TestSmallBoard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/small-boards.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```toml\n")
	toml, _, found := strings.Cut(rest, "```\n")
	if !found || !strings.Contains(toml, "[release]") {
		t.Fatal("docs/small-boards.md has no [release] to try")
	}
	dir := machine.Release(t, "relx/own")
	args := filepath.Join(machine.ChangedRelease(t, dir, filepath.Join(t.TempDir(), "toliman"), "toliman"), "releases/0.10.0/vm.args") // -sname and a cookie
	old, err := os.ReadFile(args)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(args, append(old, "\n-mode embedded\n+S 4:4\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	s := machine.WithRelease(t, strings.TrimSuffix(args, "/releases/0.10.0/vm.args"), "hostname=node1", toml)
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	status, err := os.ReadFile("/proc/" + strconv.Itoa(m.VM()) + "/status")
	m.Must(err)
	_, threads, _ := strings.Cut(string(status), "Threads:")
	if n, _ := strconv.Atoi(strings.Fields(threads)[0]); n == 0 || n > 10 {
		t.Errorf("the VM has %d threads, want no more than 10", n)
	}
	line, err := os.ReadFile("/proc/" + strconv.Itoa(m.VM()) + "/cmdline")
	m.Must(err)
	words := strings.Split(string(line), "\x00")
	modes := 0
	for i, w := range words {
		if w == "-mode" {
			modes++
			if words[i+1] != "interactive" {
				t.Errorf("-mode %s", words[i+1])
			}
		}
	}
	if modes != 1 {
		t.Errorf("%d times -mode in %q", modes, words)
	}
	m.Line("mode interactive") // the release's own word for it
}
