package supervise

import (
	"fmt"
	"runtime/debug"
	"strconv"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/handover"
	"github.com/beaminit/beaminit/supervise/policy"
)

// guard is deferred in the top frame of every goroutine but the main one. A panic that nobody
// recovers would be the end of PID 1; this one is handed to the loop, which begins anew with all
// goroutines.
func (l *Loop) guard() { l.crashed(recover()) }

// crashed hands on what recover gave.
func (l *Loop) crashed(v any) {
	if v == nil {
		return
	}
	select {
	case l.panics <- l.logPanic(v):
	default: // it is on its way already
	}
}

// logPanic says what the panic was and where, and gives the former.
func (l *Loop) logPanic(v any) string {
	text := "panic in PID 1 (please report it): " + fmt.Sprint(v)
	l.Console.Say(health.Err, text)
	l.Console.Say(health.Err, string(debug.Stack()))
	return text
}

// reexecAfterCrash executes PID 1 anew with the state as it was before the event that it fell
// over. If even that fails, the loop goes on as it is.
func (l *Loop) reexecAfterCrash(why string) {
	r := l.handover()
	r.AddCrash(why)
	l.crashes = r.Crashes
	err := l.exec(r, "/proc/self/exe")
	l.Console.Say(health.Err, "PID 1 cannot execute itself anew: "+err.Error())
}

// resume takes over from the PID 1 before: the release that runs, or whatever was to come next;
// false: that is the boot itself. After too many falls it only stays.
func (l *Loop) resume() bool {
	r := l.Resume
	l.rememberCrash(r)
	l.takeOver(r)
	l.watchTrial()
	if len(r.Crashes) >= handover.MaxCrashes {
		l.state.Phase, l.state.Why, l.recordPending = policy.GivenUp, r.Why, true
		l.Console.Say(health.Err, "PID 1 fell "+strconv.Itoa(len(r.Crashes))+" times within "+handover.CrashWindow.String()+
			": it starts nothing any more, a release that runs is left alone")
		return true
	}
	l.sayResumed(r)
	if l.notify.fd > 0 {
		go l.notify.read(l.notify.fd, l.guard)
	}
	return l.resumePhase()
}

// takeOver is what the PID 1 before knew, but for what the configuration says, and what was found out
// since.
func (l *Loop) takeOver(r *handover.Document) {
	fresh := l.state
	l.state = r.State
	l.state.Policy, l.state.Peers, l.state.Rand = fresh.Policy, fresh.Peers, fresh.Rand
	l.state.Failed, l.state.FellBack = max(r.State.Failed, fresh.Failed), r.State.FellBack || fresh.FellBack
	l.crashes, l.ends.programsPending = r.Crashes, r.AfterEndPending
	l.heart.fd, l.notify.fd, l.notify.healer = r.Heart, r.Notify, r.Healer
	l.table.Adopt(children.Handed{States: r.Children, Lines: r.Lines, Notices: r.Notices})
	l.release.State = policy.ChildState{PID: l.state.PID, Runs: l.state.Runs}
	// A release that runs is told of when the monitor has said who is connected.
	l.recordPending = l.state.Phase != policy.Running
}

// sayResumed says who PID 1 is now, and what goes on.
func (l *Loop) sayResumed(r *handover.Document) {
	goesOn := "the release goes on (pid " + strconv.Itoa(l.state.PID) + ")"
	switch {
	case r.From != "":
		l.Console.Say(health.Notice, "PID 1 is beaminit "+l.Version+" now, after "+r.From+"; "+goesOn)
	case l.state.Phase == policy.Ending && l.state.PID == 0:
		l.Console.Say(health.Warning, "PID 1 has begun anew, the way down goes on")
	default:
		l.Console.Say(health.Warning, "PID 1 has begun anew, "+goesOn)
	}
}

// resumePhase sets the timers of the phase that the release is in; false: of a boot that is yet to be
// done.
func (l *Loop) resumePhase() bool {
	s := &l.state
	switch s.Phase {
	case policy.Waiting:
		l.recordPending = false
		return false
	case policy.Running:
		l.timers.set(policy.WellTimer, s.Policy.Window)
		l.resumeRunning()
	case policy.Between:
		l.timers.set(policy.RestartTimer, max(s.NextAt-now(), 0))
	case policy.Ending:
		l.downAsked = s.PID != 0 // else the policy has ended it
		l.Down.Asked(s.Action)
		l.finished = s.PID == 0 // nothing is left to stop: the way down goes on
		l.timers.set(policy.StopTimer, s.Policy.StopTimeout)
	case policy.Pausing:
		l.timers.set(policy.StopTimer, s.Policy.StopTimeout)
	}
	return true
}
