package supervise

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/policy"
)

// KillGrace is how long a service may take to vanish after SIGKILL before the way down goes on
// without it.
const KillGrace = 2 * time.Second

// stopServices stops the services, the last one of the table first, and each when the one
// behind it has ended; then comes what follows.
func (l *Loop) stopServices(then func()) {
	for _, c := range l.children {
		if c.Service && c.state.PID != 0 {
			l.services.toStop = append(l.services.toStop, c)
		}
	}
	if len(l.services.toStop) > 0 {
		l.Down.ReleaseStopped()
	}
	l.services.then = then
	l.nextToStop()
}

// nextToStop goes on with that: a service has ended, or has had its time.
func (l *Loop) nextToStop() {
	if l.services.then == nil {
		return
	}
	for len(l.services.toStop) > 0 {
		last := len(l.services.toStop) - 1
		c := l.services.toStop[last]
		l.services.toStop, l.services.stopping = l.services.toStop[:last], c
		c.state.ByHand = policy.ToStop // nothing starts it again
		if c.state.PID == 0 {
			continue
		}
		l.setTimer(policy.ServiceTimer, c.Policy.StopTimeout+KillGrace)
		l.stepChild(c, policy.ChildEvent{Kind: policy.ChildWanted})
		return
	}
	then := l.services.then
	l.services.then = nil
	then()
}

// sayStopped says how a service ended that had to be killed.
func (l *Loop) sayStopped(c *child, killed bool) {
	if c.Service && killed && c.Policy.StopTimeout > 0 {
		l.Console.Say(health.Warning, c.title()+" did not end within "+c.Policy.StopTimeout.String()+" of SIGTERM, and was killed")
	}
}
