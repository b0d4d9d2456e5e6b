package node

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/handover"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// takeOver takes over from the PID 1 before this one. One that fell too often only stays:
// whatever made it fall is not done once more. On the way down there is no staying.
func (n *node) takeOver(r *handover.Document, err error) {
	if err != nil { // it is our own text: better a node that only stays than two VMs
		r.Crashes, r.Why = make([]time.Duration, handover.MaxCrashes), err.Error()
	}
	if len(r.Lost) > 0 {
		n.console.Say(health.Err, "PID 1 was told by the one before it, and does not understand: "+strings.Join(r.Lost, ", "))
	}
	n.resume, n.Boot, n.seq, n.StateDir = r, r.Boot, r.Seq, r.StateDir
	if n.resumes() {
		n.phases, n.state.clockFrom = r.Phases, r.Clock
	} else {
		n.phase("kernel")
	}
	if len(r.Crashes) < handover.MaxCrashes {
		return
	}
	n.console.Open("/dev/kmsg")
	if r.State.Phase == policy.Ending && r.State.PID == 0 {
		unix.Sync()
		n.say(health.Err, actionOf(r.State.Action).Call(""))
	}
	n.superviseNothing(r.Why)
}

// resumes says that the release had been started before PID 1 fell: the boot is over.
func (n *node) resumes() bool { return n.resume != nil && n.resume.State.Ran }

// crashed is the last line of defence of the boot: an end of PID 1 is a kernel panic
// that says nothing. It says what happened and begins anew.
func (n *node) crashed() {
	v := recover()
	if v == nil {
		return
	}
	what := "booting"
	if n.ending != "" {
		what = "going down"
	}
	text := "panic while " + what + " (please report it): " + fmt.Sprint(v)
	n.console.Say(health.Err, text)
	n.console.Say(health.Err, string(debug.Stack()))
	r := handover.Document{Boot: n.Boot, Seq: n.seq}
	if n.resume != nil {
		r = *n.resume
		r.Seq = n.seq
	}
	r.StateDir = n.StateDir
	if fd := n.watchdog.FD(); fd > 0 {
		r.Watchdog = fd
	}
	if n.ending != "" { // it goes on with the way down
		r.State.Phase, r.State.Action, r.State.PID, r.State.Ran = policy.Ending, n.ending, 0, true
		r.Phases, r.Clock = n.phases, n.state.clockFrom
	}
	r.AddCrash(text)
	n.console.Stop(200 * time.Millisecond)    // what was said has to be out before the exec
	if len(r.Crashes) > handover.MaxCrashes { // even staying made it fall
		n.Config = config.Load("", noFiles)
	} else if err := r.ExecSelf(); err != nil {
		n.console.Say(health.Err, "PID 1 cannot execute itself anew: "+err.Error())
	}
	n.superviseNothing(text)
}

// noFiles is a file system without files.
func noFiles(string) ([]byte, error) { return nil, unix.ENOENT }
