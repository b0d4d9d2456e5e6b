package children

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// tableOf is a table with these entries, whose console is a pipe.
func tableOf(t *testing.T, entries ...Child) (table *Table, console *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	table = New()
	table.Console, table.State, table.Guard = health.NewConsole(), &policy.State{}, func() {}
	table.Console.Open("/proc/self/fd/" + strconv.Itoa(int(write.Fd())))
	table.Null, _ = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	table.Says = table.Null
	for _, c := range entries {
		table.Add(c)
	}
	t.Cleanup(func() {
		for _, c := range table.entries {
			if c.State.PID > 0 {
				unix.Kill(c.State.PID, unix.SIGKILL)
			}
		}
	})
	return table, read
}

// awaitEnd reaps one child of the table as the loop would.
func (t *Table) awaitEnd(test *testing.T, c *Entry) {
	test.Helper()
	var status unix.WaitStatus
	for {
		pid, err := unix.Wait4(c.State.PID, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid != c.State.PID {
			test.Fatalf("wait4: %d, %v", pid, err)
		}
		t.Reaped(pid, status)
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
	table, console := tableOf(t, Child{
		Name:    "blinker",
		Policy:  policy.ChildPolicy{Restart: policy.OnFailure, BackoffFirst: 10 * time.Millisecond, BackoffLongest: time.Second, StopTimeout: time.Minute},
		Wanted:  func(s *policy.State) bool { return wanted && Wanted(s) },
		Command: func() (*launch.Command, error) { return &command, nil },
	})
	c := table.entries[0]
	await := func() {
		t.Helper()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if os.Remove(ready) == nil {
				return
			}
		}
		t.Fatal("it does not come up")
	}

	table.Begin()
	await()
	first := c.State.PID
	unix.Kill(first, unix.SIGKILL)
	table.awaitEnd(t, c)
	if c.State.PID != 0 || c.State.NextAt <= now() {
		t.Errorf("after its end: %+v, want a pause", c.State)
	}
	for table.Fire(); c.State.PID == 0; table.Fire() {
		time.Sleep(table.Next())
	}
	await()

	// Handed over, it is the same, and its output goes on.
	if h := table.Hand(); h.States["blinker"] != c.State || h.Lines["blinker"] == 0 {
		t.Errorf("handed over: %+v, want %+v", h, c.State)
	}

	wanted = false
	table.Reconcile()
	table.awaitEnd(t, c)
	if c.State.PID != 0 || c.State.Next() != 0 {
		t.Errorf("after it was stopped: %+v", c.State)
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
	table, _ := tableOf(t, Child{
		Name: "nothing", Policy: policy.ChildPolicy{Restart: policy.Always, BackoffFirst: time.Millisecond, BackoffLongest: 4 * time.Millisecond},
		Wanted:  Wanted,
		Command: func() (*launch.Command, error) { return &launch.Command{Path: "/no/such", Argv: []string{"x"}}, nil },
	})
	table.Begin()
	c := table.entries[0]
	for range 5 {
		if c.State.PID != 0 || c.State.NextAt == 0 {
			t.Fatalf("%+v", c.State)
		}
		time.Sleep(table.Next())
		table.Fire()
	}
	if c.State.Backoff != 4*time.Millisecond {
		t.Errorf("back-off %v", c.State.Backoff)
	}
}

// Who waits for a run is told once what became of it: that all was well, how it ended, that it was not
// done in time, or that it could not be started.
func TestOver(t *testing.T) {
	tests := []struct {
		path, script string
		deadline     time.Duration
		want         string
	}{
		{"/bin/sh", "exit 0", time.Minute, ""},
		{"/bin/sh", "exit 3", time.Minute, "exit status 3"},
		{"/bin/sh", "sleep 60", 100 * time.Millisecond, "not done within 100ms, killed"},
		{"/no/such", "", time.Minute, "no such file or directory"},
	}
	for _, tt := range tests {
		var told []string
		command := launch.Command{Path: tt.path, Argv: []string{"sh", "-c", tt.script}, Dir: "/"}
		table, _ := tableOf(t, Child{
			Name: "program", Quiet: true, Policy: policy.ChildPolicy{Restart: policy.Never, Deadline: tt.deadline},
			Wanted:  func(*policy.State) bool { return true },
			Command: func() (*launch.Command, error) { return &command, nil },
			Over:    func(how string) { told = append(told, how) },
		})
		c := table.entries[0]
		table.Begin()
		for tt.deadline < time.Minute && !c.State.Late {
			time.Sleep(table.Next())
			table.Fire()
		}
		if c.State.PID != 0 {
			table.awaitEnd(t, c)
		}
		if len(told) != 1 || told[0] != tt.want {
			t.Errorf("%s %q: told %q, want once %q", tt.path, tt.script, told, tt.want)
		}
	}
}
