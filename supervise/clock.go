package supervise

import (
	"time"

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
			l.setTimer(TickTimer, l.Interval)
		case MonitorTimer:
			l.startMonitor()
		default:
			l.step(Event{Kind: TimeIsUp, Timer: Timer(t)})
		}
	}
}
