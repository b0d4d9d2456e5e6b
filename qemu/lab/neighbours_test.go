package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
)

// What the lab changed of the kernel's is changed back at its end.
func TestChangeBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "limit")
	nstest.Must(t, os.WriteFile(file, []byte("1024\n"), 0o644))
	back, err := changeBack(file, 1024)
	nstest.Must(t, err)
	nstest.Must(t, os.WriteFile(file, []byte("5000"), 0o644))
	nstest.Must(t, back.Close())
	if text, _ := os.ReadFile(file); strings.TrimSpace(string(text)) != "1024" {
		t.Errorf("it is %q, want 1024", text)
	}
}
