package supervise

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// Now is CLOCK_BOOTTIME (clock_gettime(2)). PID 1 never asks for the time of
// day: on a board without a battery it jumps by decades when the network comes.
func Now() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}

func (l *Loop) setTimer(t Timer, after time.Duration) { l.timers[t] = Now() + after }

// saveInterval is how much time a node without a clock of its own loses at most by a
// power cut.
const saveInterval = time.Hour

// save has the node write down what is to outlive a power cut, on a thread of its own:
// a device may hang. While one does, there is no second.
func (l *Loop) save() {
	if l.Save == nil || !l.saving.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer func() { l.fell(recover()) }()
		for _, err := range l.Save() {
			l.Console.Say(health.Warning, err.Error())
		}
		l.saving.Store(false)
	}()
}

// untilAlarm is the time to the next timer.
func (l *Loop) untilAlarm() time.Duration {
	next := time.Hour
	now := Now()
	for _, due := range l.timers {
		if due != 0 {
			next = min(next, due-now)
		}
	}
	return max(next, 0)
}

// fireAlarms steps every timer that is due.
func (l *Loop) fireAlarms() {
	now := Now()
	for t := range l.timers {
		if due := l.timers[t]; due == 0 || due > now {
			continue
		}
		l.timers[t] = 0
		switch Timer(t) {
		case TickTimer:
			l.record()
			l.wakeMonitor()
			l.openControl()
			l.tidy()
			l.setTimer(TickTimer, l.Interval)
		case PetTimer:
			l.pet()
		case SaveTimer:
			l.save()
			l.setTimer(SaveTimer, saveInterval)
		case ShrinkTimer:
			shrink()
		case MonitorTimer:
			l.startMonitor()
		case CompanionTimer:
			l.renewCompanion()
		case RelayTimer:
			l.startRelay()
		default:
			l.step(Event{Kind: TimeIsUp, Timer: Timer(t)})
		}
	}
}
