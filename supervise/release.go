package supervise

import (
	"errors"
	"slices"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Release is how the release is started.
type Release struct {
	Command  launch.Command
	Heart    bool            // it starts this program as its heart
	Notify   uint32          // mode of the socket on which it says that it is ready; 0: it says nothing
	Sidecar  *launch.Command // has to run too, before it (epmd); nil: nothing
	Ready    string          // as in policy.Policy
	Unprobed bool            // likewise
	Peers    []string        // the other nodes' names
	Dumps    evidence.Dumps  // where it leaves its crash dump
}

// releaseChild is the entry of the release. When it is started and stopped, and what
// follows from its end, is decided by policy.Step and not by the policy of children.
func (l *Loop) releaseChild() children.Child {
	return children.Child{
		Name: "release", Title: "the release", Quiet: true, Local: true, KeepsCgroup: true, Cgroup: l.Start.Cgroup,
		Policy:  policy.ChildPolicy{Restart: policy.Never, Linger: true},
		Wanted:  func(*policy.State) bool { return false },
		Command: func() (*launch.Command, error) { return &l.prepared.Command, l.prepareFailed },
		Files: func() (children.Files, error) {
			l.notify.forget()
			f := l.releaseFiles(&l.prepared)
			l.startSidecar(l.prepared.Sidecar)
			return f, nil
		},
		Started: func(pid int) { l.releaseStarted(pid, &l.prepared) },
		Refused: l.releaseRefused,
		Ended:   func(pid int, status unix.WaitStatus) { l.beginPostMortem(pid, status) },
	}
}

func (l *Loop) releaseStarted(pid int, r *Release) {
	l.phase("exec")
	launch.YieldCPU()
	l.state.Policy.Ready, l.state.Policy.Unprobed = r.Ready, r.Unprobed
	l.ends.take(r.Dumps)
	if l.table.Begun() { // else it comes with the rest of the beginning
		l.ends.prune(evidence.Run(l.Boot, l.state.Runs))
	}
	if !slices.Equal(r.Peers, l.peers) { // the look at the release that the boot had came to nothing
		l.takePeers(r.Peers)
	}
	l.step(policy.Event{Kind: policy.Started, PID: pid})
	l.announce()
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
	l.ends.announcePending = fresh || l.state.Phase != policy.Between // and so is that it is tried again
	l.announce()
}

// readaheadChild makes use of the time until the network is there. It ends before the
// release is started: on a machine with one CPU the two beside each other were measured
// to be slower than the release alone.
func (l *Loop) readaheadChild() children.Child {
	return children.Child{
		Name: "readahead", Title: "the read-ahead of the release", Quiet: true,
		Policy: policy.ChildPolicy{Restart: policy.Never},
		Wanted: func(s *policy.State) bool { return s.Phase == policy.Waiting && l.Start.Readahead != nil },
		Command: func() (*launch.Command, error) {
			return l.Start.Readahead(), nil
		},
		Files: func() (children.Files, error) { return children.Files{Child: []int{l.null, l.null, l.null}}, nil },
	}
}

// sidecarChild is what the release needs beside it (epmd). It stays when the release
// ends, for the next one. On the way down it gets SIGTERM with all the rest, after the
// release.
func (l *Loop) sidecarChild() children.Child {
	return children.Child{
		Name: "epmd", Title: "what the release needs beside it", Policy: everySecond,
		Wanted: func(s *policy.State) bool { return s.Phase == policy.Running && s.PID != 0 },
		Command: func() (*launch.Command, error) {
			if l.sidecarCommand != nil || l.sidecar.State.Runs == 0 {
				return l.sidecarCommand, nil
			}
			l.Start.Prepare(l.state.Runs, func(r Release, err error) { // another PID 1 has started it
				l.sidecarCommand = r.Sidecar
				if err == nil && r.Sidecar == nil {
					l.table.Step(l.sidecar, policy.ChildEvent{Kind: policy.ChildDone})
				}
			})
			if l.sidecarCommand == nil {
				return nil, errNotKnown
			}
			return l.sidecarCommand, nil
		},
		Refused: func(err error) {
			if err != errNotKnown {
				l.table.SayRefused(l.sidecar, err)
			}
		},
		Files: func() (children.Files, error) {
			return children.Files{Child: []int{l.null, l.output.Write, l.output.Write}}, nil
		},
	}
}

// errNotKnown is the error of a command that is being found out: the next attempt has it.
var errNotKnown = errors.New("not known yet")

// startSidecar starts it before a release that wants it, unless it runs.
func (l *Loop) startSidecar(c *launch.Command) {
	l.sidecarCommand = c
	if c == nil || l.sidecar.State.PID != 0 {
		return
	}
	l.table.Restart(l.sidecar)
}
