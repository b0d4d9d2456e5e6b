package supervise

import (
	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// readAhead starts what makes use of the time until the network is there.
func (l *Loop) readAhead() {
	if l.Ahead == nil {
		return
	}
	p := l.Ahead()
	if p == nil {
		return
	}
	pid, err := l.Signals.spawn(*p, l.null, l.null, l.null)
	if err != nil {
		l.Console.Say(health.Warning, "cannot read the release ahead: "+err.Error())
		return
	}
	l.ahead = pid
}

// endReadAhead ends that before the release is started. On a machine with one CPU the two
// beside each other were measured to be slower than the release alone.
func (l *Loop) endReadAhead() {
	if l.ahead != 0 {
		unix.Kill(l.ahead, unix.SIGKILL) // reap knows it when it has ended
	}
}
