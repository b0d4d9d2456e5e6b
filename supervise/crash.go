package supervise

import (
	"fmt"
	"runtime/debug"
	"strconv"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// crashed is deferred in the top frame of every goroutine but the main one, with what
// recover gave. A panic that nobody recovers would be the end of PID 1; this one is
// handed to the loop, which begins anew with all goroutines.
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
	r.AddCrash(now(), why)
	l.crashes = r.Crashes
	err := l.exec(r, "/proc/self/exe")
	l.Console.Say(health.Err, "PID 1 cannot execute itself anew: "+err.Error())
}

// resume takes over from the PID 1 that fell: the release that runs, or whatever was
// to come next; false: that is the boot itself. After too many falls it only stays.
func (l *Loop) resume() bool {
	r := l.Resume
	l.rememberCrash(r)
	fresh := l.state
	l.state = r.State
	l.state.Policy, l.state.Peers, l.state.Rand = fresh.Policy, fresh.Peers, fresh.Rand
	l.state.Failed, l.state.FellBack = max(r.State.Failed, fresh.Failed), r.State.FellBack || fresh.FellBack
	l.heart.fd = r.Heart
	l.crashes, l.notify.fd, l.notify.healer, l.ends.programsPending = r.Crashes, r.Notify, r.Healer, r.AfterEndPending
	l.adoptChildren(r)
	l.watchTrial()
	// A release that runs is told of when the monitor has said who is connected.
	l.recordPending = l.state.Phase != policy.Running
	if len(r.Crashes) >= MaxCrashes {
		l.state.Phase, l.state.Why, l.recordPending = policy.GivenUp, r.Why, true
		l.Console.Say(health.Err, "PID 1 fell "+strconv.Itoa(len(r.Crashes))+" times within "+crashWindow.String()+
			": it starts nothing any more, a release that runs is left alone")
		return true
	}
	if r.From != "" {
		l.Console.Say(health.Notice, "PID 1 is beaminit "+l.Version+" now, after "+r.From+"; the release goes on (pid "+strconv.Itoa(l.state.PID)+")")
	} else if l.state.Phase == policy.Ending && l.state.PID == 0 {
		l.Console.Say(health.Warning, "PID 1 has begun anew, the way down goes on")
	} else {
		l.Console.Say(health.Warning, "PID 1 has begun anew, the release goes on (pid "+strconv.Itoa(l.state.PID)+")")
	}
	if l.notify.fd > 0 {
		go l.readNotices(l.notify.fd)
	}
	switch l.state.Phase {
	case policy.Running:
		l.setTimer(policy.WellTimer, l.state.Policy.Window)
		l.resumeRunning()
	case policy.Waiting:
		l.recordPending = false
		return false
	case policy.Between:
		l.setTimer(policy.RestartTimer, max(l.state.NextAt-now(), 0))
	case policy.FallingBack:
		l.setTimer(policy.FallbackTimer, policy.FallbackLimit)
	case policy.Ending:
		l.downAsked = l.state.PID != 0 // else the policy has ended it
		l.Down.Asked(l.state.Action)
		l.finished = l.state.PID == 0 // nothing is left to stop: the way down goes on
		l.setTimer(policy.StopTimer, l.state.Policy.StopTimeout)
	case policy.Pausing:
		l.setTimer(policy.StopTimer, l.state.Policy.StopTimeout)
	}
	return true
}

// adoptChildren takes over the children of the PID 1 before this one. One that is not there
// any more ended when it could not be told: its number may be another process's by now.
func (l *Loop) adoptChildren(r *Handover) {
	for _, c := range l.children {
		if !c.Local {
			c.state = r.Children[c.keyIn(r)]
			c.state.Ready = c.state.Ready || c.Policy.Ready == policy.ReadyStarted && c.state.Runs > 0 // a version before this did not know
			c.wasReady, c.wasTardy = c.state.Ready, c.state.Tardy
		}
	}
	l.release.state = policy.ChildState{PID: l.state.PID, Runs: l.state.Runs}
	for _, c := range l.children {
		if c.Name == fallbackName {
			c.state.PID = l.state.Fallback
		}
		if fd := r.Lines[c.keyIn(r)]; fd > 0 {
			l.followLines(fd, c)
		}
		if fd := r.Notices[c.keyIn(r)]; fd > 0 {
			l.followNotices(fd, c)
		}
	}
}

// noteLostChildren tells of the children that were handed over and are not there.
func (l *Loop) noteLostChildren() {
	for _, c := range l.children {
		if c.state.PID != 0 && !proc.IsChild(c.state.PID) {
			l.childEnded(c, lostStatus)
		}
	}
}

// lostStatus stands for how a child ended that nobody waited for: not well.
const lostStatus = unix.WaitStatus(1 << 8)
