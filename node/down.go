package node

import (
	"os"
	"time"

	"github.com/beaminit/beaminit/boot/shutdown"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// shutdownSequence is the one way in which the node ends, made when it is first asked for.
func (n *node) shutdownSequence() *shutdown.Sequence {
	if n.sequence == nil {
		c := n.Config
		if c == nil { // the boot fell before it had one
			c = config.Load("", noFiles)
		}
		w := ShutdownPlan(c)
		w.Reap, w.Save, w.Last = n.signals.ReapUntil, n.saveLast, n.disarmWatchdog
		w.Say = func(line string) { n.console.Say(health.Notice, line) }
		if n.Container != "" {
			w.Exit = func() { os.Exit(n.exit) }
		}
		n.sequence = &w
	}
	return n.sequence
}

// ShutdownPlan is the way down with its times, as a plan can print it.
func ShutdownPlan(c *config.Config) shutdown.Sequence {
	return shutdown.Sequence{
		Stop: c.Supervise.StopTimeout, Grace: 5 * time.Second, Services: stopTime(c.Services), Limit: c.Supervise.DownTimeout,
	}
}

// finished is called when the release has ended and the node goes down: a panic from here
// on goes on with that.
func (n *node) finished(e supervise.End) {
	n.ending, n.seq, n.exit = e.Action, e.Seq, exitStatus(e)
}

// releaseStopped is called when the release has ended, before services are stopped.
func (n *node) releaseStopped() { n.shutdownSequence().Stopped() }

// shutdownBegins is called when the node begins to end: from now on it has a deadline.
func (n *node) shutdownBegins(a policy.Action) { n.shutdownSequence().Begin(actionOf(a)) }

// shutdownAtOnce ends the node without any of that; it returns only an error.
func (n *node) shutdownAtOnce(a policy.Action) error {
	n.console.Stop(time.Second)
	return n.shutdownSequence().AtOnce(actionOf(a))
}

// shutdown ends the node; it does not return.
func (n *node) shutdown(a policy.Action) {
	n.ending = a
	fault.At("down")
	w := n.shutdownSequence()
	w.Stopped()
	w.Begin(actionOf(a))
	n.jobs.End()
	n.watchdog.Cover(w.Limit + 2*w.Grace) // by then its own deadline has come, or never will
	n.console.Stop(2 * time.Second)
	n.say(health.Err, w.End(actionOf(a)))
	for { // End does not return in PID 1; if it ever does, PID 1 still must not end
		unix.Pause()
	}
}

func actionOf(a policy.Action) shutdown.Action {
	switch a {
	case config.PowerOff:
		return shutdown.PowerOff
	case config.Halt:
		return shutdown.Halt
	}
	return shutdown.Reboot
}

// button is what supervise.power_button asks for.
func button(word string) policy.Action {
	if word == config.Ignore {
		return ""
	}
	return policy.Action(word)
}
