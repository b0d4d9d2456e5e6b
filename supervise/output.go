package supervise

import (
	"time"

	"github.com/beaminit/beaminit/health"
)

// outputDrain is how long the node waits on its way down for what the release said last.
const outputDrain = 200 * time.Millisecond

// startOutput makes the pipe of the release's output, or takes it over from the PID 1 before.
func (l *Loop) startOutput() {
	if r := l.Resume; r != nil && r.Output[0] > 0 {
		l.output.Read, l.output.Write = r.Output[0], r.Output[1]
		return
	}
	if err := l.output.Open(); err != nil {
		l.Console.Say(health.Err, "pipe for the release's output: "+err.Error()+"; it goes to /dev/null")
		l.output.Write, l.output.Read = l.null, -1
	}
}

// readOutput has that pipe emptied for ever.
func (l *Loop) readOutput() {
	if l.output.Read < 0 {
		return
	}
	go func() {
		defer l.guard()
		l.output.Empty(l.Console.Output)
	}()
}
