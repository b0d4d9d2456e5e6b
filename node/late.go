package node

import (
	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/jobs"
)

// lateOrder is what to wait for: what of the mounts is not there.
type lateOrder struct {
	Disks disksOrder
	Dir   string // the state directory; empty: there is none yet
}

// lateAnswer is what has come.
type lateAnswer struct {
	Come recalled
	More bool // there is still something to wait for
}

func lateDisks(o *lateOrder) any {
	plan, _ := boot.UserMounts(o.Disks.Mounts) // what is wrong with them was said
	var a lateAnswer
	var errs []error
	t := tools(o.Disks.Mounts, func(line string) { a.Come.Done = append(a.Come.Done, line) })
	a.Come.Dir, errs, a.More = boot.AwaitDisks(plan, o.Dir, &t)
	for _, err := range errs {
		a.Come.Errs = append(a.Come.Errs, err.Error())
	}
	if o.Dir == "" && a.Come.Dir != "" {
		a.Come.Recalled = boot.Recall(a.Come.Dir)
	}
	return a
}

// awaitDisks has a child wait for what of [[mount]] is not there yet, where there is such a
// thing. It is called on the loop's goroutine.
func (n *node) awaitDisks() {
	if len(n.Config.Mounts) == 0 {
		return
	}
	mounted, _ := n.Image.Read("/proc/self/mountinfo")
	plan, _ := boot.UserMounts(n.Config.Mounts)
	if !missingMount(plan, mounted) && (n.StateDir != "" || boot.StateDir(plan) == "") {
		return
	}
	a := new(lateAnswer)
	order := lateOrder{disksOrder{Mounts: n.Config.Mounts, Boot: n.Boot}, n.StateDir}
	n.jobs.Begin(jobs.Job{Name: lateJob, Order: order}, a, func(err error) {
		if err != nil {
			n.say(health.Err, err)
			return
		}
		n.tookLate(a)
		if a.More {
			n.awaitDisks()
		}
	})
}

// tookLate takes over what has come. What is kept goes to the state directory from now on,
// and what was kept in memory too; a node that has one already stays with that until the
// next boot.
func (n *node) tookLate(a *lateAnswer) {
	for _, problem := range append(a.Come.Errs, a.Come.Problems...) {
		n.console.Say(health.Err, problem)
	}
	n.rememberDisks(a.Come.Done)
	dir := a.Come.Dir
	if n.StateDir != "" || dir == "" {
		return
	}
	n.state.saving.Lock() // without a directory nobody holds it for long
	n.StateDir = dir
	n.state.recalled.Recalled = a.Come.Recalled
	take := !n.state.seeded && !n.resumes()
	n.state.seeded = true
	n.state.saving.Unlock()
	n.console.Say(health.Notice, "the state directory is "+dir+", which has come late: what was kept in memory goes there")
	n.raiseClock(a.Come.Clock)
	if !n.history.MoveTo(dir) {
		n.console.Say(health.Err, "history: too much waits to be written; it is kept in memory only")
	}
	name := saveJob
	if take {
		name = seedJob
	}
	n.sayOf(name, boot.Save{Dir: dir, TakeSeed: take, MachineID: n.state.machineID})
	n.state.cameLate = true
	n.moveDumps()
}

// moveDumps brings what of earlier ends is kept in memory to the disk that has come late.
func (n *node) moveDumps() {
	if !n.state.cameLate {
		return
	}
	there := n.Setup
	there.Image.Free = func(string) int64 { return 1 << 62 } // the disk may hang by now
	if d := there.dumps(); d.Dir != MemoryDumps {
		n.sayOf(moveJob, evidence.Move{From: MemoryDumps, To: d})
	}
}

// sayOf has a job done that gives what failed, and says that.
func (n *node) sayOf(name string, order any) {
	problems := new([]string)
	n.jobs.Begin(jobs.Job{Name: name, Order: order, Limit: saveLimit}, problems, func(err error) {
		n.say(health.Err, err)
		for _, problem := range *problems {
			n.console.Say(health.Err, problem)
		}
	})
}
