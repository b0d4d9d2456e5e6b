package watch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Two consoles of one name are two nodes; one that is named twice is a mistake.
func TestSerialNames(t *testing.T) {
	dir := t.TempDir()
	var sources []string
	for _, node := range []string{"shop", "till"} {
		path := filepath.Join(dir, node, "console.log")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, path)
	}
	s, err := Open(t.Context(), sources, Options{Interval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	status, err := s.Status()
	if err != nil || len(status.Nodes) != 2 || status.Nodes[0].Name != "console.log" || status.Nodes[1].Name != sources[1] {
		t.Errorf("%v, want console.log and %s: %+v", err, sources[1], status.Nodes)
	}
	if _, err := Open(t.Context(), []string{sources[0], sources[0]}, Options{}); err == nil || !strings.Contains(err.Error(), "named twice") {
		t.Errorf("twice the same: %v", err)
	}
}
