package supervise

import (
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Release is how the release is started.
type Release struct {
	Command launch.Command
	Heart   bool            // it starts this program as its heart
	Notify  uint32          // mode of the socket on which it says that it is ready; 0: it says nothing
	Sidecar *launch.Command // has to run too, before it (epmd); nil: nothing
}

// releaseChild is the entry of the release. When it is started and stopped, and what
// follows from its end, is decided by policy.Step and not by the policy of children.
func (l *Loop) releaseChild() Child {
	var starting Release
	return Child{
		Name: "release", Title: "the release", Quiet: true,
		Policy: policy.ChildPolicy{Restart: policy.Never, Linger: true},
		Wanted: func(*policy.State) bool { return false },
		Command: func() (*launch.Command, error) {
			r, err := l.prepareRelease()
			starting = r
			return &starting.Command, err
		},
		Files: func() (Files, error) {
			f := l.releaseFiles(&starting)
			l.startSidecar(starting.Sidecar)
			return f, nil
		},
		Started: func(pid int) { l.releaseStarted(pid, &starting) },
		Refused: l.releaseRefused,
		Ended:   func(_ int, status unix.WaitStatus) { l.releaseEnded(status) },
	}
}

func (l *Loop) prepareRelease() (Release, error) {
	l.stepChild(l.readahead, policy.ChildEvent{Kind: policy.ChildWanted}) // see readaheadChild
	return l.Prepare(l.state.Runs+1, l.state.Then == policy.ThenStart)
}

func (l *Loop) startRelease() {
	if l.Prepare == nil {
		l.step(policy.Event{Kind: policy.StartFailed, Text: "PID 1 cannot execute itself anew: " + l.afresh().Error()})
		return
	}
	l.startChild(l.release)
}

func (l *Loop) releaseStarted(pid int, r *Release) {
	l.phase("exec")
	launch.YieldCPU()
	l.step(policy.Event{Kind: policy.Started, PID: pid})
	l.renewMonitor()
	l.renewDiscovery()
	if r.Heart {
		l.listenHeart(r.Command.UID())
	}
	if r.Notify != 0 {
		l.listenNotices(r)
	}
}

func (l *Loop) releaseRefused(err error) {
	fresh := err.Error() != l.state.Why
	if fresh { // of several attempts the reason is said once
		l.Console.Say(health.Err, "cannot start the release: "+err.Error())
	}
	l.rememberEnd(history.Entry{Why: "cannot be started: " + err.Error()})
	l.step(policy.Event{Kind: policy.StartFailed, Text: err.Error()})
	if fresh || l.state.Phase != policy.Between { // and so is that it is tried again
		l.announce()
	}
}

// readaheadChild makes use of the time until the network is there. It ends before the
// release is started: on a machine with one CPU the two beside each other were measured
// to be slower than the release alone.
func (l *Loop) readaheadChild() Child {
	return Child{
		Name: "readahead", Title: "the read-ahead of the release", Quiet: true,
		Policy: policy.ChildPolicy{Restart: policy.Never},
		Wanted: func(s *policy.State) bool { return s.Phase == policy.Waiting && l.Readahead != nil },
		Command: func() (*launch.Command, error) {
			return l.Readahead(), nil
		},
		Files: func() (Files, error) { return Files{Child: []int{l.null, l.null, l.null}}, nil },
	}
}

// sidecarChild is what the release needs beside it (epmd). It stays when the release
// ends, for the next one. On the way down it gets SIGTERM with all the rest, after the
// release.
func (l *Loop) sidecarChild() Child {
	return Child{
		Name: sidecarName, Title: "what the release needs beside it", Policy: everySecond,
		Wanted: func(s *policy.State) bool { return s.Phase == policy.Running && s.PID != 0 },
		Command: func() (*launch.Command, error) {
			if l.sidecarCommand != nil || l.sidecar.state.Runs == 0 {
				return l.sidecarCommand, nil
			}
			r, err := l.Prepare(l.state.Runs, true) // another PID 1 has started it
			l.sidecarCommand = r.Sidecar
			return r.Sidecar, err
		},
		Files: func() (Files, error) { return Files{Child: []int{l.null, l.output, l.output}}, nil },
	}
}

// startSidecar starts it before a release that wants it, unless it runs.
func (l *Loop) startSidecar(c *launch.Command) {
	l.sidecarCommand = c
	if c == nil || l.sidecar.state.PID != 0 {
		return
	}
	l.sidecar.state.NextAt = 0
	l.stepChild(l.sidecar, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: true})
}
