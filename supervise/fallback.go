package supervise

import (
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

const fallbackName = "fallback_exec"

// fallbackChild is the command that may make a reboot worth while: on a board with two
// slots it chooses the other one. It has its turn when the release is given up.
func (l *Loop) fallbackChild() children.Child {
	return children.Child{
		Name:    fallbackName,
		Policy:  policy.ChildPolicy{Restart: policy.Never, Linger: true},
		Wanted:  func(s *policy.State) bool { return s.Phase == policy.FallingBack },
		Command: func() (*launch.Command, error) { return &l.Fallback, nil },
		Started: func(pid int) { l.step(policy.Event{Kind: policy.Started, PID: pid}) },
		Refused: func(err error) {
			l.Console.Say(health.Err, "supervise.fallback_exec: "+l.Fallback.Path+": "+err.Error())
			l.step(policy.Event{Kind: policy.StartFailed, Text: err.Error()})
			l.ends.announcePending = true
			l.announce()
		},
		Ended: func(pid int, status unix.WaitStatus) {
			l.Console.Say(health.Notice, "supervise.fallback_exec ended: "+proc.Describe(status))
			l.step(policy.Event{Kind: policy.Exited, PID: pid, Status: status})
			l.ends.announcePending = true
			l.announce()
		},
		Quiet: true,
	}
}
