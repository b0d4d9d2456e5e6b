package main

import (
	"strconv"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/health"
)

// buildTime is when the program was built, in seconds since 1970, set by the build
// (-ldflags -X main.buildTime=…, of SOURCE_DATE_EPOCH); empty: not known.
var buildTime = ""

// raiseClock gives a board without a clock of its own the best time that there is,
// before the release looks at it.
func (n *node) raiseClock() {
	built, _ := strconv.ParseInt(buildTime, 10, 64)
	floor, set, err := boot.RaiseClock(built, n.state)
	n.say(health.Err, err)
	if set {
		n.clock = floor
	}
}

// afterStart is what the release need not wait for.
func (n *node) afterStart() {
	n.mountLate()
	n.say(health.Err, n.checkCertificate(n.name))
	if n.clockFrom == "" {
		n.clockFrom = boot.ClockFrom(n.clock.At != 0)
	}
	n.leaveMachineID()
	if n.clock.At != 0 {
		n.console.Say(health.Notice, "clock: set forward to "+n.clock.String())
	}
}

// stateDir is where the node keeps what is to outlive a reboot, if it has such a place.
func (n *node) stateDir() string {
	if n.state == "" && n.config != nil { // after a fall of PID 1
		plan, _ := boot.UserMounts(n.config.Mounts)
		n.state = boot.StateDir(plan)
	}
	return n.state
}

// save keeps what is to outlive a reboot or a power cut. The first time in a boot it
// takes what the boot before kept as seed. It can be called from several goroutines.
func (n *node) save() (errs []error) {
	n.saving.Lock()
	defer n.saving.Unlock()
	dir := n.stateDir()
	if dir == "" {
		return nil
	}
	if !n.seeded && !n.adopts() {
		if _, err := boot.CreditSeed(dir); err != nil {
			errs = append(errs, err)
		}
	}
	n.seeded = true
	for _, err := range [...]error{boot.RenewSeed(dir), boot.SaveClock(dir), boot.SaveMachineID(dir, n.machineID)} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
