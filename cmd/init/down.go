package main

import (
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// wayDown is the one way in which the node ends, made when it is first asked for.
func (n *node) wayDown() *boot.Way {
	if n.way == nil {
		s := config.Load("", nothing).Supervise // the boot fell before it had one
		if n.config != nil {
			s = n.config.Supervise
		}
		n.way = &boot.Way{
			Stop: s.StopTimeout, Grace: 5 * time.Second, Limit: s.DownTimeout,
			Reap: n.signals.ReapUntil, Save: n.saveLast, Last: n.lastThing,
			Say: func(line string) { n.console.Say(health.Notice, line) },
		}
	}
	return n.way
}

// goesDown is called when the node begins to end: from now on it has a deadline.
func (n *node) goesDown(a policy.Action) { n.wayDown().Begin(ending(a)) }

// goDown ends the node; it does not return.
func (n *node) goDown(a policy.Action) {
	w := n.wayDown()
	w.Stopped()
	w.Begin(ending(a))
	n.watchdog.Cover(w.Limit + 2*w.Grace) // by then its own deadline has come, or never will
	n.console.Stop(2 * time.Second)
	n.say(health.Err, w.End(ending(a)))
	for { // End does not return in PID 1; if it ever does, PID 1 still must not end
		unix.Pause()
	}
}

func ending(a policy.Action) boot.Action {
	switch a {
	case config.PowerOff:
		return boot.PowerOff
	case config.Halt:
		return boot.Halt
	}
	return boot.Reboot
}

// button is what supervise.power_button asks for.
func button(word string) policy.Action {
	if word == config.Ignore {
		return ""
	}
	return policy.Action(word)
}
