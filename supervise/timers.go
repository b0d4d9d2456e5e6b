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
	l.timers.suspended(late)
	l.table.Suspended(late)
	l.state.Suspended(late)
	l.Console.Say(health.Warning, "PID 1 stood still for "+late.Truncate(time.Second).String()+
		" (the machine was stopped, or starved): nobody is late for that")
}

// timers are when each timer is due; 0: it is not set.
type timers [policy.TimerCount]time.Duration

func (t *timers) set(timer policy.Timer, after time.Duration) { t[timer] = now() + after }

// next is the time to the next of them, or wait where that is sooner.
func (t *timers) next(wait time.Duration) time.Duration {
	now := now()
	for _, due := range t {
		if due != 0 {
			wait = min(wait, due-now)
		}
	}
	return max(wait, 0)
}

// take is a timer that is due, which is not set any more then.
func (t *timers) take(now time.Duration) (timer policy.Timer, ok bool) {
	for i, due := range t {
		if due != 0 && due <= now {
			t[i] = 0
			return policy.Timer(i), true
		}
	}
	return 0, false
}

// suspended has nothing be due for a time in which nothing ran, but for what is due anyway.
func (t *timers) suspended(late time.Duration) {
	for i := range t {
		if t[i] != 0 && policy.Timer(i) != policy.PetTimer && policy.Timer(i) != policy.TickTimer {
			t[i] += late
		}
	}
}

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
		defer l.guard()
		for _, err := range l.History.Save() {
			l.Console.Say(health.Warning, err.Error())
		}
		l.saving.Store(false)
	}()
}

// fireAlarms steps every timer that is due.
func (l *Loop) fireAlarms() {
	l.table.Fire()
	now := now()
	for t, ok := l.timers.take(now); ok; t, ok = l.timers.take(now) {
		switch t {
		case policy.TickTimer:
			l.record()
			l.monitor.wake(&l.state)
			l.openControl()
			l.control.shrinkIfGrown()
			l.timers.set(policy.TickTimer, l.Records.Interval)
		case policy.PetTimer:
			l.pet()
		case policy.ServiceTimer:
			l.table.StopNext()
		case policy.SaveTimer:
			l.save()
			l.timers.set(policy.SaveTimer, saveInterval)
		case policy.ShrinkTimer:
			footprint.GiveBack()
		default:
			l.step(policy.Event{Kind: policy.TimeIsUp, Timer: t})
		}
	}
}
