package node

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/policy"
)

// Pmsg is where the kernel has what a restart leaves of the memory.
func Pmsg() history.Pmsg { return history.Pmsg{Device: "/dev/pmsg0", Store: "/sys/fs/pstore"} }

// historyTime is how long the way down waits for the disk to take the history.
const historyTime = 5 * time.Second

type errHistory struct{}

func (errHistory) Error() string {
	return "the disk has not taken the history within " + historyTime.String() + ": going on without it"
}

// beginHistory says where the history of this boot is kept, and begins it. It comes when
// nothing waits for it any more.
func (n *node) beginHistory() {
	if n.Boot == 0 {
		n.Boot = randomBoot()
	}
	k := &n.history
	k.Dir, k.FallbackDir, k.Pmsg, k.Boot, k.Fresh = n.StateDir, RunDir, Pmsg(), n.Boot, !n.resumes()
	k.Tell = func(line string, bad bool) {
		severity := health.Notice
		if bad { // "quiet" does not hide it
			severity = health.Err
		}
		n.console.Say(severity, line)
	}
	k.EarlierBoots = func(past []history.Entry) {
		failed, fellBack := history.Failed(past, n.Boot)
		select {
		case n.failedBoots <- policy.Event{Kind: policy.Remembered, Failed: failed, FellBack: fellBack}:
		default: // nobody decides anything any more
		}
	}
	k.Run = func(j history.Job) (done history.Done) {
		if inMemory(j.Dir) {
			return j.Do()
		}
		if err := n.jobs.Do(jobs.Job{Name: historyJob, Order: &j, Limit: historyLimit}, &done); err != nil {
			done.Problem = err.Error()
		}
		return done
	}
	k.Complain = func(line string) { n.console.Say(health.Err, line) }
	if k.Fresh {
		n.remember(history.Entry{Kind: history.Boot, Why: "beaminit " + n.build.Version})
	}
}

// remember has an entry kept that the supervisor knows nothing of.
func (n *node) remember(e history.Entry) {
	e.Boot, e.At, e.Up = n.Boot, time.Now().Unix(), clock.Uptime()
	n.history.Remember(e)
}
