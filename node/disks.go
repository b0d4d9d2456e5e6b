package node

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/launch"
)

// kept is what a boot takes from the boot before it, and leaves to the next one.
type kept struct {
	recalled  recalled   // what the boot before left in StateDir
	cameLate  bool       // StateDir
	saving    sync.Mutex // held by save
	clock     boot.Floor // what the clock was set to; At is 0: it was not
	clockFrom string     // rtc, floor or kernel, for the health records
	seeded    bool       // the seed of the boot before was taken
	machineID string     // to be kept for the next boot; empty: none
	needID    bool       // the image has no file for it
}

// mountDisks mounts what the configuration has, and finds the directory of what is to
// outlive a reboot; it gives what the boot before left there.
func (n *node) mountDisks() boot.Recalled {
	if len(n.Config.Mounts) == 0 {
		return boot.Recalled{}
	}
	if n.Boot == 0 {
		n.Boot = randomBoot()
	}
	if plan, _ := boot.UserMounts(n.Config.Mounts); boot.NeedLate(plan) {
		n.mountLate()
	}
	mounts := n.awaited()
	order := disksOrder{mounts, n.Boot, n.Config.FactoryReset, n.modules}
	n.say(health.Err, n.runJob(disksJob, disksTime(mounts), order, &n.state.recalled))
	n.StateDir = n.state.recalled.Dir
	for _, problem := range append(n.state.recalled.Errs, n.state.recalled.Problems...) {
		n.console.Say(health.Err, problem)
	}
	return n.state.recalled.Recalled
}

// awaited are the mounts of the configuration. The one that the overlay of the root lies on is
// awaited as the root is: without it the node would have another root.
func (n *Setup) awaited() []config.Mount {
	list := slices.Clone(n.Config.Mounts)
	for i := range list {
		if m := &list[i]; n.hasOverlay() && files.Below(n.Config.Root.Overlay, m.Target) && m.Wait == 0 {
			m.Wait = n.Config.Root.Timeout
		}
	}
	return list
}

// raiseClock gives a board without a clock of its own the best time that there is,
// before the release looks at it; saved is when it was saved last, in seconds since 1970.
func (n *node) raiseClock(saved int64) {
	built, _ := strconv.ParseInt(n.build.Time, 10, 64)
	floor, set, err := boot.RaiseClock(built, saved)
	n.say(health.Err, err)
	if set {
		n.state.clock = floor
	}
}

// afterStart is what the release need not wait for.
func (n *node) afterStart() {
	n.mountLate()
	n.say(health.Warning, allowPing()...)
	for _, what := range launch.Missing() {
		n.console.Say(health.Notice, what)
	}
	if n.state.clockFrom == "" {
		n.state.clockFrom = boot.ClockFrom(n.state.clock.At != 0)
	}
	n.deferredMachineID()
	if n.state.clock.At != 0 {
		n.console.Say(health.Notice, "clock: set forward to "+n.state.clock.String())
	}
	n.beginHistory()
	n.rememberDisks(n.state.recalled.Done)
	n.awaitDisks()
	n.renewFacts()
}

// rememberDisks has it remembered what happened to disks.
func (n *node) rememberDisks(done []string) {
	for _, line := range done {
		n.remember(history.Entry{Kind: history.Note, Why: line})
	}
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
	n.state.saving.Lock()
	defer n.state.saving.Unlock()
	dir := n.StateDir
	if dir == "" {
		return nil
	}
	take := !n.state.seeded && !n.resumes()
	if n.state.seeded && goesOn {
		n.history.Alive(time.Now().Unix(), clock.Uptime())
	}
	n.state.seeded = true
	var problems []string
	order, name := boot.Save{Dir: dir, TakeSeed: take, MachineID: n.state.machineID}, saveJob
	if take {
		name = seedJob
	}
	if err := n.jobs.Do(jobs.Job{Name: name, Order: order, Limit: saveLimit}, &problems); err != nil {
		return append(errs, err)
	}
	for _, problem := range problems {
		errs = append(errs, errors.New(problem))
	}
	return errs
}
