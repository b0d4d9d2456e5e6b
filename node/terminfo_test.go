package node_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"testing"

	"github.com/beaminit/beaminit/node"
)

// The entry for terminals is what tic(1) makes of its source.
func TestTerminfo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("tic", "-x", "-o", dir, "testdata/beaminit.ti").CombinedOutput(); err != nil {
		t.Fatalf("tic: %v\n%s", err, out)
	}
	entry, err := os.ReadFile(dir + "/b/beaminit")
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.StdEncoding.EncodeToString(entry); got != node.Terminfo {
		t.Errorf("terminfo is %s, want %s", node.Terminfo, got)
	}
}
