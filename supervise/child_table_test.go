package supervise

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// loopFor is a loop with nothing but the table of children, whose console is a pipe.
func loopFor(t *testing.T, entries ...Child) (l *Loop, console *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	n := Node{Console: health.NewConsole(), History: History{Remember: func(history.Entry) {}}}
	l = &Loop{Node: n, panics: make(chan string, 8), reconciling: true}
	l.Console.Open("/proc/self/fd/" + strconv.Itoa(int(write.Fd())))
	l.null, _ = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	l.output.write = l.null
	for _, c := range entries {
		l.addChild(c)
	}
	t.Cleanup(func() {
		for _, c := range l.children {
			if c.state.PID > 0 {
				unix.Kill(c.state.PID, unix.SIGKILL)
			}
		}
	})
	return l, read
}

// awaitEnd reaps one child of the table as the loop would.
func (l *Loop) awaitEnd(t *testing.T, c *child) {
	t.Helper()
	var status unix.WaitStatus
	for {
		pid, err := unix.Wait4(c.state.PID, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid != c.state.PID {
			t.Fatalf("wait4: %d, %v", pid, err)
		}
		l.childEnded(c, status)
		return
	}
}

// A kind of child that is new is an entry of the table: it gets its start, back-off, stop,
// hand-over, bounds and the lines on the console from there.
func TestChildIsAnEntry(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	wanted := true
	command := launch.Command{
		Path: "/bin/sh", Argv: []string{"sh", "-c", `trap 'echo stopping; exit 0' TERM; echo up; : >` + ready + `; while :; do sleep 0.01; done`}, Dir: "/",
	}
	l, console := loopFor(t, Child{
		Name:    "blinker",
		Policy:  policy.ChildPolicy{Restart: policy.OnFailure, BackoffFirst: 10 * time.Millisecond, BackoffLongest: time.Second, StopTimeout: time.Minute},
		Wanted:  func(s *policy.State) bool { return wanted && Wanted(s) },
		Command: func() (*launch.Command, error) { return &command, nil },
	})
	c := l.children[0]
	await := func() {
		t.Helper()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if os.Remove(ready) == nil {
				return
			}
		}
		t.Fatal("it does not come up")
	}

	l.reconcile()
	await()
	first := c.state.PID
	unix.Kill(first, unix.SIGKILL)
	l.awaitEnd(t, c)
	if c.state.PID != 0 || c.state.NextAt <= now() {
		t.Errorf("after its end: %+v, want a pause", c.state)
	}
	for l.fireChildren(); c.state.PID == 0; l.fireChildren() {
		time.Sleep(l.untilAlarm())
	}
	await()

	// Handed over, it is the same, and its output goes on.
	h := Handover{State: policy.State{Phase: policy.Waiting}, Children: l.handedChildren(), Lines: l.handed(func(c *child) *atomic.Int32 { return &c.lines })}
	text, err := h.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseHandover(text)
	got.takeFds()
	if err != nil || got.Children["blinker"] != c.state || got.Lines["blinker"] == 0 {
		t.Errorf("handed over: %+v, %v; want %+v\n%s", got, err, c.state, text)
	}

	wanted = false
	l.reconcile()
	l.awaitEnd(t, c)
	if c.state.PID != 0 || c.state.Next() != 0 {
		t.Errorf("after it was stopped: %+v", c.state)
	}

	buf := make([]byte, 4096)
	var said strings.Builder
	for _, want := range []string{"blinker: up", "blinker ended (killed by signal 9 (SIGKILL)), it is started again in " + c.Policy.BackoffFirst.String(), "blinker: stopping"} {
		for !strings.Contains(said.String(), want) {
			console.SetReadDeadline(time.Now().Add(time.Minute))
			n, err := console.Read(buf)
			if err != nil && err != io.EOF {
				t.Fatalf("no %q: %v in\n%s", want, err, &said)
			}
			said.Write(buf[:n])
		}
	}
}

// A child that cannot be started is tried again, later each time, and each time says why.
func TestChildThatCannotStart(t *testing.T) {
	l, _ := loopFor(t, Child{
		Name: "nothing", Policy: policy.ChildPolicy{Restart: policy.Always, BackoffFirst: time.Millisecond, BackoffLongest: 4 * time.Millisecond},
		Wanted:  Wanted,
		Command: func() (*launch.Command, error) { return &launch.Command{Path: "/no/such", Argv: []string{"x"}}, nil },
	})
	l.reconcile()
	c := l.children[0]
	for range 5 {
		if c.state.PID != 0 || c.state.NextAt == 0 {
			t.Fatalf("%+v", c.state)
		}
		time.Sleep(l.untilAlarm())
		l.fireChildren()
	}
	if c.state.Backoff != 4*time.Millisecond {
		t.Errorf("back-off %v", c.state.Backoff)
	}
}

// However many ends there were within the window, PID 1 can be executed anew: neither the
// document nor the variable in its place grows beyond what the kernel takes.
func TestHandoverOfManyEnds(t *testing.T) {
	h := handed
	h.State.Exits = make([]time.Duration, 20000)
	for i := range h.State.Exits {
		h.State.Exits[i] = time.Duration(1e17) + time.Duration(i)
	}
	const maxString = 128 << 10 // MAX_ARG_STRLEN (execve(2))
	if n := len(HandoverEnv) + 1 + len(h.short()); n >= maxString {
		t.Errorf("the variable has %d bytes", n)
	}
	if got, err := parseHandover([]byte(h.short())); err != nil || len(got.State.Exits) != 1000 || got.State.Exits[999] != h.State.Exits[19999] || !reflect.DeepEqual(got.Children, h.Children) {
		t.Errorf("the variable: %d ends, children %+v, %v", len(got.State.Exits), got.Children, err)
	}
	fd, err := h.write()
	if err != nil {
		t.Fatal(err)
	}
	got, err := readHandover(fd)
	if err != nil || len(got.State.Exits) != len(h.State.Exits) {
		t.Errorf("%d ends, %v", len(got.State.Exits), err)
	}
}
