package main

import (
	"net/netip"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/supervise"
)

// supervise hands the boot over to PID 1's loop, which starts the release, and
// gives the action that the node is to end with.
func (n *node) supervise(status netcfg.Status) supervise.Action {
	s := n.loop()
	s.Prepare = n.prepare
	if n.failed != nil {
		s.NoRelease = n.failed.Error()
	}
	if !status.Ready() {
		s.NetworkWait = n.networkWait(status)
		last := status
		s.Links, s.OnLink = n.watchLinks(), func() bool { return n.relink(&last) }
	}
	return s.Run()
}

// superviseNothing keeps a node reachable that cannot run a release at all.
func (n *node) superviseNothing(why string) {
	s := n.loop()
	s.NoRelease = why
	n.goDown(s.Run())
}

// loop is what the supervisor needs to know in any case.
func (n *node) loop() supervise.Node {
	if n.boot == 0 {
		n.boot = randomBoot()
	}
	if n.config == nil { // the boot fell before it had one
		n.config = config.Load("", nothing)
	}
	c := n.config
	watch := health.Watch{
		Port: c.Distribution.Port, Node: "beaminit@" + short(c.Node.Hostname),
		Local: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})},
		// Never more than the interval: then a VM that hangs is known within two.
		Interval: c.Health.Interval, Timeout: min(c.Health.ProbeTimeout, c.Health.Interval),
	}
	if own := address(c); own.IsValid() {
		watch.Local = append(watch.Local, own)
	}
	var peers []string
	self := self(c)
	for i, p := range c.Peers {
		if i != self {
			peers = append(peers, p.Name)
			watch.Peers = append(watch.Peers, p.Address)
		}
	}
	return supervise.Node{
		Name: n.nodeName, Peers: peers, Boot: n.boot, Seq: n.seq, Clock: func() string { return n.clockFrom }, Interval: c.Health.Interval,
		Policy: supervise.Policy{
			OnExit: c.Supervise.OnExit, GiveUp: c.Supervise.GiveUp,
			BackoffFirst: c.Supervise.BackoffFirst, BackoffLongest: c.Supervise.BackoffLongest,
			Attempts: c.Supervise.Attempts, Window: c.Supervise.Window, StopTimeout: c.Supervise.StopTimeout,
		},
		Console: n.console, Signals: &n.signals, Phases: n.phases,
		AfterStart: n.afterStart, Stopping: n.goesDown, Button: button(c.Supervise.PowerButton), Save: n.saveOften, Resume: n.resume,
		Remember: n.history.Remember, KeepHistory: n.history.Start, FlushHistory: n.history.Flush, StateDir: n.state,
		Version: version, Control: controlPath,
		Monitor: supervise.Program{Path: "/proc/self/exe", Argv: watch.Args(), Dir: "/"},
	}
}
