package supervise

import (
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// The fallback command is an entry of the table, and what becomes of it is why the node is as it is.
func TestFallbackIsAChild(t *testing.T) {
	tests := []struct {
		path, script string
		deadline     time.Duration
		want         string
	}{
		{"/bin/sh", "exit 4", time.Minute, "gave up; fallback_exec: exit status 4"},
		{"/bin/sh", "sleep 60", 100 * time.Millisecond, "gave up; fallback_exec: not done within 100ms, killed"},
		{"/no/such", "", time.Minute, "gave up; fallback_exec: could not be started: no such file or directory"},
	}
	for _, tt := range tests {
		l := &Loop{
			Node:  Node{Console: health.NewConsole(), History: History{Remember: func(history.Entry) {}}},
			table: children.New(),
		}
		l.Fallback = launch.Command{Path: tt.path, Argv: []string{"sh", "-c", tt.script}, Dir: "/"}
		l.null, _ = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
		l.table.Console, l.table.State, l.table.Guard = l.Console, &l.state, func() {}
		l.table.Null, l.table.Says = l.null, l.null
		c := l.table.Add(l.fallbackChild())
		c.Policy.Deadline = tt.deadline
		l.state.Phase, l.state.Why = policy.FallingBack, "gave up"
		l.table.Begin()
		for tt.deadline < time.Minute && l.state.Phase == policy.FallingBack {
			time.Sleep(l.table.Next())
			l.table.Fire()
		}
		if pid := c.State.PID; pid != 0 {
			var status unix.WaitStatus
			for {
				if _, err := unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
					break
				}
			}
			l.table.Reaped(pid, status)
		}
		if l.state.Phase != policy.GivenUp || l.state.Why != tt.want {
			t.Errorf("%s %q: phase %d, why %q; want that it is given up, %q", tt.path, tt.script, l.state.Phase, l.state.Why, tt.want)
		}
	}
}
