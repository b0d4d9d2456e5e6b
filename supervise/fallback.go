package supervise

import (
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// startFallback starts the command that may make a reboot worth while: on a board with
// two slots it chooses the other one.
func (l *Loop) startFallback() {
	var out [2]int
	err := unix.Pipe2(out[:], unix.O_CLOEXEC)
	if err == nil {
		var pid int
		pid, err = l.Signals.spawn(l.Fallback, l.null, out[1], out[1])
		unix.Close(out[1])
		if err == nil {
			go l.readFallback(out[0])
			l.step(policy.Event{Kind: policy.Started, PID: pid})
			return
		}
		unix.Close(out[0])
	}
	l.Console.Say(health.Err, "supervise.fallback_exec: "+l.Fallback.Path+": "+err.Error())
	l.step(policy.Event{Kind: policy.StartFailed, Text: err.Error()})
	l.announce()
}

// readFallback puts what the command writes on the console.
func (l *Loop) readFallback(fd int) {
	defer func() { l.fell(recover()) }()
	defer unix.Close(fd)
	say := func(line string) { l.Console.Say(health.Notice, "fallback_exec: "+line) }
	var lines splitter
	buf := make([]byte, 1<<10)
	for {
		n, err := unix.Read(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			lines.take([]byte{'\n'}, say) // the last line may have no end
			return
		}
		lines.take(buf[:n], say)
	}
}

// fallbackEnded says how it went.
func (l *Loop) fallbackEnded(status unix.WaitStatus) {
	l.Console.Say(health.Notice, "supervise.fallback_exec ended: "+proc.Describe(status))
	l.step(policy.Event{Kind: policy.Exited, PID: l.state.Fallback, Status: status})
	l.announce()
}
