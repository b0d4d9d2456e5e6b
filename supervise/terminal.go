package supervise

import (
	"time"

	"github.com/beaminit/beaminit/supervise/policy"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"golang.org/x/sys/unix"
)

// relayPause is the time between the end of a relay and the next.
const relayPause = time.Second

// startRelay starts the child that stands between the release's pty and the tty, where
// there is to be one; PID 1 itself has nothing to do with either (package console).
func (l *Loop) startRelay() {
	t := l.Terminal
	if t == nil || l.relay != 0 || l.state.Phase == policy.Ending && l.state.PID == 0 {
		return
	}
	ring := t.Ring
	if ring < 0 {
		ring = l.null
	}
	pid, err := l.Signals.spawn(l.Relay(), t.Master, ring, l.output)
	if err != nil {
		l.Console.Say(health.Err, "cannot start the relay of console.tty: "+err.Error()+"; trying again in a second")
		l.setTimer(policy.RelayTimer, relayPause)
		return
	}
	l.relay = pid
}

func (l *Loop) relayEnded(status unix.WaitStatus) {
	l.relay = 0
	if l.state.Phase == policy.Ending && l.state.PID == 0 {
		return
	}
	l.Console.Say(health.Warning, "the relay of console.tty ended ("+proc.Describe(status)+"), it is started again in a second")
	l.setTimer(policy.RelayTimer, relayPause)
}

// stdio gives the release's three descriptors. With a terminal they are that, and the
// release finds it as if nobody had used it before.
func (l *Loop) stdio(p *Program) (in, out int) {
	out = l.output
	in = l.null
	if p.TTY {
		in, out = l.Terminal.Slave, l.Terminal.Slave
		if err := l.Terminal.Renew(); err != nil {
			l.Console.Say(health.Warning, err.Error())
		}
	}
	if p.User != nil { // /dev/stdout, and the terminal, can be opened by its own user only
		unix.Fchown(out, int(p.User.Uid), int(p.User.Gid))
	}
	return in, out
}

// lastOutput is the last output of the release, wherever it went.
func (l *Loop) lastOutput() (older, newer []byte) {
	older, newer = l.ring.Take()
	if l.Terminal == nil {
		return older, newer
	}
	return append(append([]byte(nil), older...), newer...), l.Terminal.Last()
}
