package supervise

import (
	"errors"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/policy"
	"github.com/beaminit/beaminit/supervise/watchdog"
	"golang.org/x/sys/unix"
)

// Watchdog is what the loop is told about the machine's watchdog.
type Watchdog struct {
	Device    *watchdog.Device // opened by the boot, or by the loop, and still armed when Run has ended
	Path      string           // of the device; empty: none is wanted
	Timeout   time.Duration
	Criterion string // config.ByProbe, ByHeart, ByProcess
	Wanted    bool   // somebody named the device: it is said where it is not there
}

// watchdogRetry is the time between two attempts to find the device: its driver may be a
// module that comes late.
const watchdogRetry = 10 * time.Second

// openWatchdog opens the watchdog, where the boot could not or had none to take over.
func (l *Loop) openWatchdog() {
	if l.Watchdog.Device.Timeout != 0 { // the boot has done it
		l.pet()
		return
	}
	if l.Watchdog.Path == "" {
		return
	}
	d, notes, err := watchdog.Open(l.Watchdog.Path, l.Watchdog.Timeout)
	if err != nil {
		absent := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO)
		if text := err.Error(); (!absent || l.Watchdog.Wanted) && text != l.watchdogProblem {
			l.watchdogProblem = text
			l.logWatchdog(health.Err, text+"; the node runs without it, and looks again every 10s")
		}
		l.timers.set(policy.PetTimer, watchdogRetry)
		return
	}
	*l.Watchdog.Device = d
	l.logWatchdog(health.Notice, d.String())
	for _, note := range notes {
		l.logWatchdog(health.Warning, note)
	}
	l.pet()
}

// pet pets the watchdog, if the node is well. It is called by the loop's own goroutine
// and by no other: a loop that stands still is the end of it.
func (l *Loop) pet() {
	if l.Watchdog.Device.Timeout == 0 {
		l.openWatchdog()
		return
	}
	ok, why := l.state.Well(now(), l.Watchdog.Criterion)
	if ok {
		if err := l.Watchdog.Device.Pet(); err != nil {
			why = err.Error()
		}
	}
	switch {
	case why != "" && l.watchdogProblem == "":
		l.logWatchdog(health.Err, why+": no more pets, it resets the machine within "+l.Watchdog.Device.Timeout.String())
	case why == "" && l.watchdogProblem != "":
		l.logWatchdog(health.Notice, "all is well again, it is petted")
	}
	l.watchdogProblem = why
	l.timers.set(policy.PetTimer, l.Watchdog.Device.Interval())
}

func (l *Loop) logWatchdog(s health.Severity, text string) { l.Console.Say(s, "watchdog: "+text) }
