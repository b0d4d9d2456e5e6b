package supervise

import (
	"testing"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/policy"
)

// quietLoop is a loop that nobody has started, and that remembers nothing.
func quietLoop() *Loop {
	return newLoop(Node{Console: health.NewConsole(), History: History{Remember: func(history.Entry) {}}})
}

// A report about the VM before, which was on its way when that ended, says nothing about
// the VM that runs now.
func TestReportOfVMBefore(t *testing.T) {
	l := quietLoop()
	l.state = policy.State{Phase: policy.Running, PID: 87, Rand: 1, Policy: policy.Policy{ProbeFailures: 3}}
	l.release = &children.Entry{}
	late := cluster.Message{Kind: cluster.Found, PID: 86, Report: cluster.Report{Answer: cluster.Answered}}
	l.clusterSays(late)
	if l.state.Answered {
		t.Error("what the VM before answered counts for the one that runs now")
	}
	late.PID = 87
	if l.clusterSays(late); !l.state.Answered {
		t.Error("its own answer does not count")
	}
}

// A report about the peers of before says nothing about those of now, but what the release
// answered is news all the same.
func TestReportOfTableBefore(t *testing.T) {
	l := quietLoop()
	l.state = policy.State{Phase: policy.Running, PID: 87, Peers: 1, PeerStates: []cluster.PeerState{cluster.Connected}, Known: true}
	l.release = &children.Entry{}
	l.monitor.target.Table = 2
	l.clusterSays(cluster.Message{Kind: cluster.Found, PID: 87, Report: cluster.Report{Answer: cluster.Answered, Known: true, Table: 1, Peers: []cluster.PeerState{cluster.Unreachable}}})
	if l.state.Peer(0) != cluster.Connected || !l.state.Answered {
		t.Errorf("the peer is %q, the release answered: %v", l.state.Peer(0), l.state.Answered)
	}
}
