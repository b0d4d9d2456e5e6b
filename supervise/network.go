package supervise

import (
	"slices"
	"time"

	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
)

// Network is what the loop is told of the network child, which follows the links for PID 1
// and asks servers for addresses.
type Network struct {
	// Command is what to start. Without it there is nothing for the child to do.
	Command func() *launch.Command

	// Report takes a line that the child wrote, and says whether the network is ready. peers
	// are the other nodes where they are not those of before, because this one has another
	// name by now; nil: they are.
	Report func(line []byte) (ready bool, peers []string)

	// Bad names the links that are not well, as health records have them: eth0:no-carrier.
	Bad func() []string
}

// networkChild is that child: of a user of its own, with a pipe for reports and one whose end is its
// own, so the next PID 1 begins with one of its own. One that ends again and again is
// started less often: addresses stay where they are.
func (l *Loop) networkChild() children.Child {
	return children.Child{
		Name: "network", Title: "the network child", Local: true,
		Policy: policy.ChildPolicy{
			Restart: policy.Always, BackoffFirst: time.Second, BackoffLongest: 30 * time.Second, Window: 30 * time.Second,
			Linger: true,
		},
		Wanted:  func(*policy.State) bool { return true },
		Command: func() (*launch.Command, error) { return l.Network.Command(), nil },
		Files:   func() (children.Files, error) { return l.network.files(l.null, nil) },
		Started: func(int) { l.network.read(netcfg.MaxReport, l.guard) },
	}
}

// networkReported takes a report of the child.
func (l *Loop) networkReported(line []byte) {
	was := l.Network.Bad()
	ready, peers := l.Network.Report(line)
	if peers != nil {
		l.takePeers(peers)
		l.renewDiscovery()
	}
	if ready {
		l.step(policy.Event{Kind: policy.Begin})
	}
	if !slices.Equal(was, l.Network.Bad()) {
		l.record()
	}
}
