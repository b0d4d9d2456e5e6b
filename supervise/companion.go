package supervise

import (
	"time"

	"github.com/beaminit/beaminit/supervise/policy"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"golang.org/x/sys/unix"
)

// companionPause is the time between the end of a companion and the next.
const companionPause = time.Second

// accompany starts the program that the release needs beside it (epmd), unless it runs.
// It stays when the release ends, for the next one. On the way down it gets SIGTERM with
// all the rest, after the release.
func (l *Loop) accompany(p *Program) {
	if p == nil || l.companion != 0 {
		return
	}
	pid, err := l.Signals.spawn(*p, l.null, l.output, l.output)
	if err != nil {
		l.Console.Say(health.Err, "cannot start "+p.Path+": "+err.Error()+"; trying again in a second")
		l.setTimer(policy.CompanionTimer, companionPause)
		return
	}
	l.companion = pid
}

func (l *Loop) companionEnded(status unix.WaitStatus) {
	l.companion = 0
	if l.state.Phase == policy.Ending {
		return
	}
	l.Console.Say(health.Warning, "what the release needs beside it ended ("+proc.Describe(status)+"), it is started again in a second")
	l.setTimer(policy.CompanionTimer, companionPause)
}

// renewCompanion starts it again for a release that runs. One that is yet to be started
// brings it along.
func (l *Loop) renewCompanion() {
	if l.state.Phase != policy.Running {
		return
	}
	p, err := l.Prepare(l.state.Runs, true)
	if err != nil {
		l.Console.Say(health.Err, err.Error())
		l.setTimer(policy.CompanionTimer, companionPause)
		return
	}
	l.accompany(p.With)
}
