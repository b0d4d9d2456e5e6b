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
	discovery := n.beginDiscovery() // before loop, which asks who was found
	s := n.loop()
	s.History.Failed, s.History.FellBack = n.failedBefore()
	s.Start.NoRelease = n.whyNoRelease(s.History.Failed)
	s.Start.Prepare, s.Start.Dumps = n.prepare, n.release.facts.Dumps
	if !status.Ready() {
		s.Start.NetworkWait, s.Start.Readahead = n.networkWait(status), n.boundAhead
	}
	s.Programs, s.Update = n.programs(), n.update()
	s.Fallback, s.Policy.Fallback = n.fallback(), len(n.Config.Supervise.FallbackExec) > 0
	s.Network, s.Discovery = n.netChild(status), discovery
	n.supervised = true
	return s.Run()
}

// superviseNothing keeps a node reachable that cannot run a release at all.
func (n *node) superviseNothing(why string) {
	s := n.loop()
	s.Start.NoRelease = why
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
	n.openWatchdog()
	terminal := n.openTerminal()
	return supervise.Node{
		Boot:    n.Boot,
		Version: n.build.Version,
		Policy:  n.policy(),

		Console:  n.console,
		Signals:  &n.signals,
		Jobs:     n.jobs,
		Control:  ControlPath,
		InMemory: inMemory,

		Start:    supervise.Start{Cgroup: n.releaseCgroup(), Begun: n.afterStart},
		Terminal: terminal,
		Relay:    n.relayCommand,
		Cluster: supervise.Cluster{
			Peers: n.otherPeers(),
			Watch: func() cluster.Watch { return n.Watch(n.release.facts.Mesh) },
		},
		Children: slices.Concat(n.services(), n.deviceChild(), n.moduleChild()),

		Records:  n.records(),
		History:  n.loopHistory(),
		Watchdog: n.loopWatchdog(),

		Down: supervise.Down{
			Button:         button(n.Config.Supervise.PowerButton),
			Asked:          n.shutdownBegins,
			AtOnce:         n.shutdownAtOnce,
			ReleaseStopped: n.releaseStopped,
			Finished:       n.finished,
		},
		Facts:  n.handOn,
		Resume: n.resume,
	}
}

// policy is when the release is started again, and what follows where it is not.
func (n *Setup) policy() policy.Policy {
	s, h, u := &n.Config.Supervise, &n.Config.Health, &n.Config.Update
	return policy.Policy{
		OnExit:         s.OnExit,
		BackoffFirst:   s.BackoffFirst,
		BackoffLongest: s.BackoffLongest,
		Attempts:       s.Attempts,
		Window:         s.Window,
		GiveUp:         s.GiveUp,
		StopTimeout:    s.StopTimeout,
		ExitOK:         s.ExitOK,
		Boots:          s.Boots,
		Leave:          n.Container != "",

		ProbeInterval: h.Interval,
		ProbeTimeout:  min(h.ProbeTimeout, h.Interval),
		ProbeFailures: h.ProbeFailures,
		StartTimeout:  h.StartTimeout,
		Ready:         n.ready(),
		Unprobed:      n.Unprobed,
		DumpTimeout:   min(dumpTimeout, n.Config.Dump.Timeout),

		After:     u.After,
		Within:    u.Within,
		WithPeers: u.Peers,
	}
}

// records is what the health records say of this node.
func (n *node) records() supervise.Records {
	return supervise.Records{
		Interval: n.Config.Health.Interval,
		Seq:      n.seq,
		Phases:   n.phases,
		Name:     n.nodeName,
		Clock:    func() string { return n.state.clockFrom },
		Warn:     n.warnings,
		Lasting:  n.lasting(),
	}
}

// loopHistory is how the loop has its history kept.
func (n *node) loopHistory() supervise.History {
	n.failedBoots = make(chan policy.Event, 1)
	return supervise.History{
		Remember: n.history.Remember,
		Keep:     n.history.Start,
		Flush:    n.history.Flush,
		Save:     n.saveOften,
		StateDir: func() string { return n.StateDir },
		Boots:    n.failedBoots,
	}
}

// loopWatchdog is the watchdog, as far as it is open, and what the loop is to do with it.
func (n *node) loopWatchdog() supervise.Watchdog {
	w := n.watchdogSettings()
	w.Device = &n.watchdog
	return w
}
