package supervise

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/footprint"
	"github.com/beaminit/beaminit/supervise/policy"
)

// now is the clock of everything that the loop waits for. It stands still in suspend: a
// release that could not run has missed nothing. What is told to people, and compared with
// the kernel's own stamps, is CLOCK_BOOTTIME.
func now() time.Duration { return clock.Monotonic() }

// shrinkAfter is when what follows the start of the release is done as well: the seed
// and the history are on the disk.
const shrinkAfter = time.Second

// tooLate is how much later than planned the loop has to wake to have stood still itself:
// PID 1 was frozen, or the machine was, and its clock went on.
const tooLate = 5 * time.Second

// noteSuspend has nothing be due, and nobody be late, for a time in which nothing ran.
func (l *Loop) noteSuspend(late time.Duration) {
	if late < tooLate {
		return
	}
	for t := range l.timers {
		if l.timers[t] != 0 && policy.Timer(t) != policy.PetTimer && policy.Timer(t) != policy.TickTimer {
			l.timers[t] += late
		}
	}
	for _, c := range l.children {
		if c.state.DueAt != 0 {
			c.state.DueAt += late
		}
		if c.state.ReadyBy != 0 {
			c.state.ReadyBy += late
		}
	}
	l.state.Suspended(late)
	l.Console.Say(health.Warning, "PID 1 stood still for "+late.Truncate(time.Second).String()+" (the machine was stopped, or starved): nobody is late for that")
}

func (l *Loop) setTimer(t policy.Timer, after time.Duration) { l.timers[t] = now() + after }

// saveInterval is how much time a node without a clock of its own loses at most by a
// power cut.
const saveInterval = time.Hour

// save has the node write down what is to outlive a power cut, on a thread of its own:
// a device may hang. While one does, there is no second.
func (l *Loop) save() {
	if !l.saving.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer func() { l.crashed(recover()) }()
		for _, err := range l.History.Save() {
			l.Console.Say(health.Warning, err.Error())
		}
		l.saving.Store(false)
	}()
}

// untilAlarm is the time to the next timer.
func (l *Loop) untilAlarm() time.Duration {
	next := time.Hour
	now := now()
	for _, due := range l.timers {
		if due != 0 {
			next = min(next, due-now)
		}
	}
	for _, c := range l.children {
		if due := c.state.Next(); due != 0 {
			next = min(next, due-now)
		}
	}
	return max(next, 0)
}

// fireAlarms steps every timer that is due.
func (l *Loop) fireAlarms() {
	l.fireChildren()
	now := now()
	for t := range l.timers {
		if due := l.timers[t]; due == 0 || due > now {
			continue
		}
		l.timers[t] = 0
		switch policy.Timer(t) {
		case policy.TickTimer:
			l.record()
			l.wakeMonitor()
			l.openControl()
			l.shrinkIfGrown()
			l.setTimer(policy.TickTimer, l.Records.Interval)
		case policy.PetTimer:
			l.pet()
		case policy.ServiceTimer:
			l.nextToStop()
		case policy.SaveTimer:
			l.save()
			l.setTimer(policy.SaveTimer, saveInterval)
		case policy.ShrinkTimer:
			footprint.GiveBack()
		default:
			l.step(policy.Event{Kind: policy.TimeIsUp, Timer: policy.Timer(t)})
		}
	}
}
