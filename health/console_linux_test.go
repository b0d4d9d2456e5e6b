package health

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// Whoever writes without end, no record and no line of beaminit's own is lost for that.
func TestConsoleFlooded(t *testing.T) {
	c := NewConsole()
	c.started.Store(true) // nobody writes yet
	for range 1000 {
		c.Output("line")
		c.OutputOf("service", "line")
	}
	for range 10 {
		c.Health(full)
		c.Say(Notice, "own")
	}
	if lost, dropped := c.lost.Load(), c.dropped.Load(); lost > 0 || dropped == 0 {
		t.Errorf("%d of its own are lost, and %d of others", lost, dropped)
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

// What is lost of the node's own is told apart from what is of its release.
func TestConsoleCountsApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := NewConsole()
	c.own, c.output = make(chan message, 1), make(chan message, 1)
	c.started.Store(true) // nobody writes yet
	for range 3 {
		c.Output("line")
		c.Say(Notice, "own")
	}
	c.Health(full)
	c.started.Store(false)
	c.Open(path)
	c.Say(Notice, "after")
	text, _ := os.ReadFile(path)
	for _, want := range []string{"beaminit: 3 of the node's own lines and records were lost: the console did not take them\n", "beaminit: 2 lines of output dropped: the console is slower\n", "beaminit: after\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
}

// Lines and records from everywhere while it is started and stopped, over and over: none
// is lost but those that are counted, and -race finds nothing.
func TestConsoleStartStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := NewConsole()
	c.Open(path)
	const each = 300
	var speakers sync.WaitGroup
	for i := range 4 {
		speakers.Add(1)
		go func() {
			defer speakers.Done()
			for n := range each {
				switch i {
				case 0:
					c.Health(full)
				case 1:
					c.Output("line " + strconv.Itoa(n))
				default:
					c.Say(Notice, "own "+strconv.Itoa(n))
				}
			}
		}()
	}
	for range 20 {
		c.Start(func() { recover() })
		c.Start(func() { recover() }) // it is already
		c.Stop(time.Minute)
		c.Stop(time.Minute)
	}
	speakers.Wait()
	c.Say(Notice, "end")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, lost := 0, 0
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		var n int
		if _, err := fmt.Sscanf(line, "<28>beaminit: %d ", &n); err == nil {
			lost += n
			continue
		}
		got++
	}
	if got+lost != 4*each+1 {
		t.Errorf("%d lines written and %d told of as lost, of %d", got, lost, 4*each+1)
	}
}

// A kernel that takes no lines leaves the tty of the console: it is written to without
// waiting, whether it takes all, a part, or nothing.
func TestConsoleOnTTY(t *testing.T) {
	dir := t.TempDir()
	term, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(term)
	if err := unix.IoctlSetPointerInt(term, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(term, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	c := NewConsole()
	c.dev.tty = "/dev/pts/" + strconv.Itoa(n)
	c.Open(dir + "/kmsg") // is not there, and may come later
	c.Say(Notice, "before")
	if c.dev.onTTY {
		t.Fatal("it took the tty while the kernel's log could still come")
	}
	c.Start(func() { recover() })
	begun := time.Now()
	for range 200 { // more than a pty takes
		c.Health(full)
		time.Sleep(50 * time.Microsecond)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it waited %v for a tty that nobody reads", took)
	}
	var got []byte
	buf := make([]byte, 64<<10)
	found := 0
	for end := time.Now().Add(time.Minute); found < 20 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		n, _ := unix.Read(term, buf)
		got = append(got, buf[:max(n, 0)]...)
		found = 0
		for _, line := range bytes.Split(got, []byte("\n")) {
			if _, ok := Find(line); ok {
				found++
			}
		}
	}
	if !bytes.HasPrefix(got, []byte("beaminit: before\r\n")) || found < 20 {
		t.Errorf("%d records on the tty, which begins with %.60q", found, got)
	}
	c.Say(Notice, "the tty takes something again")
	for end := time.Now().Add(time.Minute); !bytes.Contains(got, []byte("again\r\n")) && time.Now().Before(end); time.Sleep(time.Millisecond) {
		n, _ := unix.Read(term, buf)
		got = append(got, buf[:max(n, 0)]...)
	}
	if !bytes.Contains(got, []byte(" of the node's own lines and records were lost")) {
		t.Errorf("nothing is told of what was lost; the end is %q", got[max(0, len(got)-500):])
	}
	begun = time.Now()
	c.Say(Notice, strings.Repeat("x", 900)) // it is read no more
	c.Stop(20 * time.Millisecond)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("Stop took %v", took)
	}
}

func TestCheckCmdline(t *testing.T) {
	for _, tt := range []struct {
		cmdline string
		want    []string // the beginnings
	}{
		{"console=ttyS0 quiet loglevel=5 printk.devkmsg=on", nil},
		{"printk.devkmsg=off", []string{"printk.devkmsg=off: "}},
		{"printk.devkmsg=ratelimit loglevel=0", []string{"printk.devkmsg=ratelimit: ", "loglevel=0: "}},
		{"loglevel=1 xloglevel=0 x.printk.devkmsg=off", []string{"loglevel=1: "}},
	} {
		got := CheckCmdline(tt.cmdline)
		ok := len(got) == len(tt.want)
		for i := range got {
			ok = ok && strings.HasPrefix(got[i], tt.want[i]) && strings.Contains(got[i], "; want ")
		}
		if !ok {
			t.Errorf("%q: got %q, want %q", tt.cmdline, got, tt.want)
		}
	}
}
