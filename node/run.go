package node

import (
	"slices"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/policy"
)

// supervise hands the boot over to PID 1's loop, which starts the release, and
// gives the action that the node is to end with.
func (n *node) supervise(status netcfg.Status) policy.Action {
	found := n.beginDiscovery()
	s := n.loop()
	s.Discovery = found
	s.Prepare, s.Programs, s.Dumps = n.prepare, n.programs(), n.release.facts.Dumps
	s.Update = n.update()
	s.Fallback, s.Policy.Fallback = n.fallback(), len(n.Config.Supervise.FallbackExec) > 0
	if n.Failed != nil {
		s.NoRelease = n.Failed.Error()
	}
	n.bootLoopGuard(&s)
	if !status.Ready() {
		s.NetworkWait, s.Readahead = n.networkWait(status), n.boundAhead
	}
	s.Network = n.netChild(status)
	return s.Run()
}

// superviseNothing keeps a node reachable that cannot run a release at all.
func (n *node) superviseNothing(why string) {
	s := n.loop()
	s.NoRelease = why
	n.shutdown(s.Run())
}

// loop is what the supervisor needs to know in any case.
func (n *node) loop() supervise.Node {
	if n.Boot == 0 {
		n.Boot = randomBoot()
	}
	if n.Config == nil { // the boot fell before it had one
		n.Config = config.Load("", noFiles)
	}
	c := n.Config
	n.openTerminal()
	n.failedBoots = make(chan policy.Event, 1)
	return supervise.Node{
		Name: n.nodeName, Peers: n.otherPeers(), Boot: n.Boot, Seq: n.seq, Clock: func() string { return n.state.clockFrom }, Warn: n.warnings, Lasting: n.lasting(), Interval: c.Health.Interval,
		Policy: policy.Policy{
			OnExit: c.Supervise.OnExit, GiveUp: c.Supervise.GiveUp,
			After: c.Update.After, Within: c.Update.Within, WithPeers: c.Update.Peers,
			BackoffFirst: c.Supervise.BackoffFirst, BackoffLongest: c.Supervise.BackoffLongest,
			Attempts: c.Supervise.Attempts, Window: c.Supervise.Window, StopTimeout: c.Supervise.StopTimeout,
			ExitOK: c.Supervise.ExitOK, Boots: c.Supervise.Boots, Leave: n.Container != "",
			ProbeInterval: c.Health.Interval, ProbeTimeout: min(c.Health.ProbeTimeout, c.Health.Interval), ProbeFailures: c.Health.ProbeFailures,
			StartTimeout: c.Health.StartTimeout, Ready: n.ready(), Unprobed: n.Unprobed, DumpTimeout: min(dumpTimeout, c.Dump.Timeout),
		},
		ReleaseCgroup:    n.releaseCgroup(),
		WatchdogSettings: n.watchdogSettings(), Watchdog: &n.watchdog,
		AfterStart: n.afterStart, Stopping: n.shutdownBegins, AtOnce: n.shutdownAtOnce, ReleaseStopped: n.releaseStopped, Finished: n.finished, Button: button(c.Supervise.PowerButton), Save: n.saveOften, Resume: n.resume, Facts: n.handOn,
		FailedBoots: n.failedBoots, Console: n.console, Signals: &n.signals, Phases: n.phases,
		Remember: n.history.Remember, KeepHistory: n.history.Start, FlushHistory: n.history.Flush, StateDir: func() string { return n.StateDir },
		Version: n.build.Version, Control: ControlPath,
		Jobs: n.jobs, InMemory: inMemory,
		Watch: func() cluster.Watch { return n.Watch(n.release.facts.Mesh) }, Children: slices.Concat(n.services(), n.deviceChild(), n.moduleChild()), Terminal: n.terminal, Relay: n.relayCommand,
	}
}
