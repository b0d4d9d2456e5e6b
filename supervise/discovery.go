package supervise

import (
	"bytes"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/cluster/discovery"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
)

// finder is what the loop knows of the child that finds peers.
type finder struct {
	reporter
	child  *children.Entry // its entry of the table; nil: there is none
	orders []byte
}

// Discovery is what the loop is told of the child that finds peers.
type Discovery struct {
	// Command is what to start, and the orders that it reads from its standard input.
	// Without it nothing is to be found.
	Command func() (cmd *launch.Command, orders []byte)

	// Report takes a line that the child wrote, and gives the other nodes where they are not
	// those of before; nil: they are.
	Report func(line []byte) (peers []string)

	Found func(name string) bool // a peer of that name was found; asked only where there is a Command
	Open  bool                   // peers are believed without a key
}

// byeLimit is how long the child may take to tell the network that this node goes.
const byeLimit = time.Second

// discoveryChild is that child: like the network child, and without any privilege.
func (l *Loop) discoveryChild() children.Child {
	return children.Child{
		Name: "discovery", Title: "the discovery of peers", Local: true,
		Policy: policy.ChildPolicy{
			Restart: policy.Always, BackoffFirst: time.Second, BackoffLongest: 30 * time.Second, Window: 30 * time.Second,
			StopTimeout: byeLimit,
		},
		Wanted: children.Wanted,
		Command: func() (cmd *launch.Command, err error) {
			cmd, l.finder.orders = l.Discovery.Command()
			return cmd, nil
		},
		Files:   func() (children.Files, error) { return l.finder.files(l.null, l.finder.orders) },
		Started: func(int) { l.finder.read(discovery.MaxReport, l.guard) },
	}
}

// renewDiscovery puts a child with other orders in the place of the running one: this node
// has another name, or its release other settings.
func (l *Loop) renewDiscovery() {
	if c := l.finder.child; c != nil && c.State.PID != 0 {
		if _, orders := l.Discovery.Command(); !bytes.Equal(orders, l.finder.orders) {
			l.table.Restart(c)
		}
	}
}

// takePeers takes over who the other nodes are by now.
func (l *Loop) takePeers(peers []string) {
	l.state.PeerStates = l.statesOf(peers)
	l.peers = peers
	l.state.Peers = min(len(peers), cluster.MaxPeers)
	l.renewMonitor()
}

// statesOf is how this node stands with those peers, as far as it knows them.
func (l *Loop) statesOf(peers []string) []cluster.PeerState {
	known := make(map[string]cluster.PeerState, len(l.peers))
	for i, name := range l.peers {
		known[name] = l.state.Peer(i)
	}
	states := make([]cluster.PeerState, len(peers))
	for i, name := range peers {
		states[i] = known[name]
	}
	return states
}

// discovered takes a report of the child.
func (l *Loop) discovered(line []byte) {
	if peers := l.Discovery.Report(line); peers != nil {
		l.takePeers(peers)
		l.record()
	}
}
