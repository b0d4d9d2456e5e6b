package supervise

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// fallbackLimit is how long the fallback command may run.
const fallbackLimit = 30 * time.Second

// fallbackChild is the command that may make a reboot worth while: on a board with two
// slots it chooses the other one. It has its turn when the release is given up.
func (l *Loop) fallbackChild() children.Child {
	over := func(how string) {
		l.step(policy.Event{Kind: policy.FellBack, Text: how})
		l.ends.announcePending = true
		l.announce()
	}
	return children.Child{
		Name: "fallback_exec", Quiet: true,
		Policy:  policy.ChildPolicy{Restart: policy.Never, Deadline: fallbackLimit, StopTimeout: time.Second},
		Wanted:  func(s *policy.State) bool { return s.Phase == policy.FallingBack },
		Command: func() (*launch.Command, error) { return &l.Fallback, nil },
		Refused: func(err error) {
			l.Console.Say(health.Err, "supervise.fallback_exec: "+l.Fallback.Path+": "+err.Error())
			over("could not be started: " + err.Error())
		},
		Ended: func(_ int, status unix.WaitStatus) {
			l.Console.Say(health.Notice, "supervise.fallback_exec ended: "+proc.Describe(status))
		},
		Over: over,
	}
}
