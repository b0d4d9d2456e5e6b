package supervise

import (
	"bufio"
	"os"
	"slices"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Network is what the loop is told of the network child, which follows the links for PID 1
// and asks servers for addresses.
type Network struct {
	// Command is what to start, and the directory that it gets as descriptor 3 (0: none).
	// Without it there is nothing for the child to do.
	Command func() (cmd *launch.Command, dir int)

	// Report takes a line that the child wrote, and says whether the network is ready. peers
	// are the other nodes where they are not those of before, because this one has another
	// name by now; nil: they are.
	Report func(line []byte) (ready bool, peers []string)

	// Bad names the links that are not well, as health records have them: eth0:no-carrier.
	Bad func() []string
}

// network is what the loop knows of that child.
type network struct {
	hold    int // write end of its standard input, whose end is its own; -1: none
	reports int // read end, until somebody reads it
	dir     int // its descriptor 3; 0: none
}

// networkChild is that child: nobody's, with a pipe for reports and one whose end is its
// own, so the next PID 1 begins with one of its own. One that ends again and again is
// started less often: addresses stay where they are.
func (l *Loop) networkChild() Child {
	return Child{
		Name: "network", Title: "the network child", Local: true,
		Policy: policy.ChildPolicy{Restart: policy.Always, BackoffFirst: time.Second, BackoffLongest: 30 * time.Second, Window: 30 * time.Second, Linger: true},
		Wanted: func(*policy.State) bool { return true },
		Command: func() (cmd *launch.Command, err error) {
			cmd, l.network.dir = l.Network.Command()
			return cmd, nil
		},
		Files:   l.networkFiles,
		Started: func(int) { go l.readNetwork(os.NewFile(uintptr(l.network.reports), "reports of the network")) },
	}
}

func (l *Loop) networkFiles() (Files, error) {
	var hold, reports [2]int
	if err := unix.Pipe2(hold[:], unix.O_CLOEXEC); err != nil {
		return Files{}, err
	}
	if err := unix.Pipe2(reports[:], unix.O_CLOEXEC); err != nil {
		closeAll(hold[:])
		return Files{}, err
	}
	l.closeHold()
	l.network.hold, l.network.reports = hold[1], reports[0]
	f := Files{Child: []int{hold[0], reports[1], l.null}, CloseChild: []int{hold[0], reports[1]}, CloseOwn: []int{reports[0]}}
	if dir := l.network.dir; dir != 0 {
		f.Child, f.CloseChild = append(f.Child, dir), append(f.CloseChild, dir)
	}
	return f, nil
}

// closeHold is like closeOrders.
func (l *Loop) closeHold() {
	if l.network.hold >= 0 {
		unix.Close(l.network.hold)
	}
	l.network.hold = -1
}

// readNetwork hands on the lines of one child. A line that is longer than any report ends
// the reading, and with it the child's writing.
func (l *Loop) readNetwork(f *os.File) {
	defer func() { l.fell(recover()) }()
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, netcfg.MaxReport)
	for lines.Scan() {
		l.netReports <- slices.Clone(lines.Bytes())
	}
}

// networkReported takes a report of the child.
func (l *Loop) networkReported(line []byte) {
	was := l.Network.Bad()
	ready, peers := l.Network.Report(line)
	if peers != nil {
		l.Peers = peers
		l.state.Peers = min(len(peers), cluster.MaxPeers)
		l.renewMonitor()
	}
	if ready {
		l.step(policy.Event{Kind: policy.Begin})
	}
	if !slices.Equal(was, l.Network.Bad()) {
		l.record()
	}
}
