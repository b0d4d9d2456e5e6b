package node

import (
	"strconv"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
)

// raiseClock gives a board without a clock of its own the best time that there is,
// before the release looks at it.
func (n *node) raiseClock() {
	built, _ := strconv.ParseInt(n.build.Time, 10, 64)
	floor, set, err := boot.RaiseClock(built, n.StateDir)
	n.say(health.Err, err)
	if set {
		n.clock = floor
	}
}

// afterStart is what the release need not wait for.
func (n *node) afterStart() {
	n.mountLate()
	n.say(health.Warning, letPing()...)
	n.say(health.Err, n.CheckCertificate(n.name))
	if n.clockFrom == "" {
		n.clockFrom = boot.ClockFrom(n.clock.At != 0)
	}
	n.leaveMachineID()
	if n.clock.At != 0 {
		n.console.Say(health.Notice, "clock: set forward to "+n.clock.String())
	}
	n.beginHistory()
}

// saveOften keeps what would be lost by a power cut; it is called after the start of the
// release and every hour.
func (n *node) saveOften() []error { return n.save(true) }

// saveLast keeps all that there is to keep, on the way down.
func (n *node) saveLast() (errs []error) {
	if !n.history.Flush(historyTime) {
		errs = append(errs, errHistory{})
	}
	return append(errs, n.save(false)...)
}

// save keeps what is to outlive a reboot or a power cut. The first time in a boot it
// takes what the boot before kept as seed. It can be called from several goroutines.
func (n *node) save(goesOn bool) (errs []error) {
	n.saving.Lock()
	defer n.saving.Unlock()
	dir := n.StateDir
	if dir == "" {
		return nil
	}
	if !n.seeded && !n.adopts() {
		if _, err := boot.CreditSeed(dir); err != nil {
			errs = append(errs, err)
		}
	}
	if n.seeded && goesOn {
		n.history.Alive(time.Now().Unix(), clock.Boottime())
	}
	n.seeded = true
	for _, err := range [...]error{boot.RenewSeed(dir), boot.SaveClock(dir), boot.SaveMachineID(dir, n.machineID)} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
