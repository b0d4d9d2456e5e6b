package health

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
)

func TestVisible(t *testing.T) {
	tests := []struct {
		printk string
		want   Severity
	}{
		{"7\t4\t1\t7\n", Notice},
		{"8\t4\t1\t7\n", Notice},
		{"15\t4\t1\t7\n", Notice},
		{"6\t4\t1\t7\n", Notice},
		{"5\t4\t1\t7\n", Warning},
		{"4\t4\t1\t7\n", Err}, // quiet
		{"1\t4\t1\t7\n", 1},
		{"0\t4\t1\t7\n", 1},
		{"", Notice},
		{"x", Notice},
	}
	for _, tt := range tests {
		if got := visible([]byte(tt.printk)); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.printk, got, tt.want)
		}
	}
}

// Lines that are said before there is a device come out with the first after it,
// whole, with severity and prefix, and harmless for a terminal.
func TestConsole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := NewConsole()
	c.Say(Err, "before")
	c.Open(path)
	if text, _ := os.ReadFile(path); len(text) != 0 {
		t.Errorf("opened without need: %q", text)
	}
	c.Start(func() { recover() })
	c.Output("\x1b[2Jhello\x07\n")
	c.Say(Notice, strings.Repeat("x", 2000))
	c.Stop(nstest.Patience)
	c.Say(Info, "after")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(string(text), "\n")
	want := []string{"<27>beaminit: before", "<29>beaminit: " + strings.Repeat("x", maxLine-len("beaminit: ")), "<30>release: ?[2Jhello??", "<30>beaminit: after", ""}
	// Own lines go before output, but the writer may have begun with either.
	if len(got) == len(want) && got[1] == want[2] {
		got[1], got[2] = got[2], got[1]
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A console slower than the release costs lines of output, which are counted, and
// no line of beaminit's own.
func TestConsoleDrops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := NewConsole()
	c.own, c.output = make(chan message, 64), make(chan message, 2)
	c.started.Store(true) // nobody writes yet
	for i := 0; i < 5; i++ {
		c.Output("line")
	}
	c.Say(Notice, "own")
	if got := c.dropped.Load(); got != 3 {
		t.Errorf("%d dropped, want 3", got)
	}
	c.Open(path)
	c.write(message{severity: Info, speaker: "release: ", text: "next"})
	if text, _ := os.ReadFile(path); !strings.Contains(string(text), "3 lines of output dropped") {
		t.Errorf("got %q", text)
	}
}

// A writer that has fallen, or hangs in the kernel, does not stop the way down, and
// what beaminit itself had said still comes out.
func TestConsoleStopsWithoutWriter(t *testing.T) {
	for _, full := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "kmsg")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		c := NewConsole()
		c.Open(path)
		c.own, c.output = make(chan message, 4), make(chan message, 1)
		c.started.Store(true)
		c.Say(Notice, "last words")
		if full {
			c.Output("line")
		}
		stopped := make(chan struct{})
		go func() { c.Stop(20 * time.Millisecond); close(stopped) }()
		select {
		case <-stopped:
		case <-time.After(nstest.Patience):
			t.Fatalf("full=%v: Stop does not come back", full)
		}
		if text, _ := os.ReadFile(path); !strings.Contains(string(text), "last words") {
			t.Errorf("full=%v: got %q", full, text)
		}
	}
}
