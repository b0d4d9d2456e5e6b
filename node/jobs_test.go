package node

import (
	"os"
	"strings"
	"testing"
)

// docs/security.md says of each job what it may do.
func TestJobsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "### What the jobs may do")
	for name, kind := range work {
		row := ""
		for _, line := range strings.Split(table, "\n") {
			if strings.HasPrefix(line, "| `"+name+"` |") {
				row = line
			}
		}
		if want := "| `" + strings.Join(kind.capabilities, "` `") + "` |"; !strings.Contains(row, want) {
			t.Errorf("docs/security.md: job %s: the row is %q, want %s in it", name, row, want)
		}
	}
}

// What a release calls its place for a crash dump does not have PID 1 look at a disk itself.
func TestInMemory(t *testing.T) {
	for path, want := range map[string]bool{
		RunDir: true, RunDir + "/dumps/erl_crash.dump": true, RunDir + "/../../data/erl_crash.dump": false, RunDir + "s/x": false, "/data": false, "": false,
	} {
		if got := inMemory(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}
