package node

import (
	"errors"
	"strconv"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"
)

// mountDisks mounts what the configuration has, and finds the directory of what is to
// outlive a reboot, and what is in it.
func (n *node) mountDisks() {
	if len(n.Config.Mounts) == 0 {
		return
	}
	if n.Boot == 0 {
		n.Boot = randomBoot()
	}
	if plan, _ := boot.UserMounts(n.Config.Mounts); boot.NeedLate(plan) {
		n.mountLate()
	}
	if err := n.runJob(disksJob, disksLimit, disksOrder{n.Config.Mounts, n.Boot}, &n.recalled); err != nil {
		n.say(health.Err, err)
	}
	n.StateDir = n.recalled.Dir
	for _, problem := range append(n.recalled.Errs, n.recalled.Recalled.Problems...) {
		n.console.Say(health.Err, problem)
	}
}

// raiseClock gives a board without a clock of its own the best time that there is,
// before the release looks at it.
func (n *node) raiseClock() {
	built, _ := strconv.ParseInt(n.build.Time, 10, 64)
	floor, set, err := boot.RaiseClock(built, n.recalled.Recalled.Clock)
	n.say(health.Err, err)
	if set {
		n.clock = floor
	}
}

// afterStart is what the release need not wait for.
func (n *node) afterStart() {
	n.mountLate()
	n.say(health.Warning, allowPing()...)
	for _, what := range launch.Missing() {
		n.console.Say(health.Notice, what)
	}
	if n.clockFrom == "" {
		n.clockFrom = boot.ClockFrom(n.clock.At != 0)
	}
	n.deferredMachineID()
	if n.clock.At != 0 {
		n.console.Say(health.Notice, "clock: set forward to "+n.clock.String())
	}
	n.beginHistory()
	n.awaitDisks()
	n.renewFacts()
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
	take := !n.seeded && !n.resumes()
	if n.seeded && goesOn {
		n.history.Alive(time.Now().Unix(), clock.Boottime())
	}
	n.seeded = true
	var problems []string
	order, name := boot.Save{Dir: dir, TakeSeed: take, MachineID: n.machineID}, saveJob
	if take {
		name = seedJob
	}
	if err := n.jobs.Do(supervise.Job{Name: name, Order: order, Limit: saveLimit}, &problems); err != nil {
		return append(errs, err)
	}
	for _, problem := range problems {
		errs = append(errs, errors.New(problem))
	}
	return errs
}
