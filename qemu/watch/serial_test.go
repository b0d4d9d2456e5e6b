package watch

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A line that ends again and again without a word is told of once, until it says something.
func TestSerialEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := Open(t.Context(), []string{"tcp:" + l.Addr().String()}, Options{Interval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, says := range []string{"", "", "beaminit: hello\n", ""} {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte(says))
		c.Close()
	}
	c, err := l.Accept() // so the end of the fourth has been seen
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	status, err := s.Status()
	var events []string
	for _, e := range status.Events {
		events = append(events, e.Text)
	}
	const ended = "watch: the line has ended; trying again"
	if want := []string{ended, "beaminit: hello", ended}; err != nil || !slices.Equal(events, want) {
		t.Errorf("%v, events %q, want %q", err, events, want)
	}
}

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
