package supervise

import (
	"bytes"
	"io"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// everySecond starts a child again, as long as it takes.
var everySecond = policy.ChildPolicy{Restart: policy.Always, BackoffFirst: time.Second, BackoffLongest: time.Second, Linger: true}

// monitor is what the loop knows of the child that looks at the network for PID 1, which
// itself never reads a byte that another machine sent.
type monitor struct {
	child    *child
	orders   int // write end; -1: none
	reports  int // read end, until somebody reads it
	messages chan cluster.Message
	target   cluster.Watch // what it was told to look at
	watch    []byte        // the same as it was told

	cut, healed    []string                 // peers, since the last record
	brakes         map[string]time.Duration // peers that no connection to comes about, and the pause between two attempts
	cutProblemSaid bool                     // that the kernel cannot cut a connection
	uncountedSaid  bool                     // why the peers are not counted
}

// monitorChild is that child: of a user of its own, with a pipe for orders and one for reports. It
// ends when the orders do, so the next PID 1 begins with one of its own.
func (l *Loop) monitorChild() Child {
	return Child{
		Name: "monitor", Title: "the monitor", Policy: everySecond, Local: true,
		Wanted: func(*policy.State) bool { return true },
		Command: func() (*launch.Command, error) {
			l.monitor.target = l.Watch()
			l.monitor.watch = l.monitor.target.Encode()
			return &launch.Command{Path: "/proc/self/exe", Argv: []string{cluster.MonitorName}, Dir: "/", Bounds: launch.Own(launch.Nobody(launch.MonitorUID), launch.Sandbox{Read: []string{"/proc"}, Connect: true})}, nil
		},
		Files: l.monitorFiles,
		Started: func(int) {
			if l.state.Phase == policy.Running {
				l.order(cluster.Order{Kind: l.state.WatchOrder(), PID: l.state.PID})
			}
			go l.readReports(l.monitor.reports)
		},
	}
}

func (l *Loop) monitorFiles() (Files, error) {
	var orders, reports [2]int
	if err := unix.Pipe2(orders[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return Files{}, err
	}
	if err := unix.Pipe2(reports[:], unix.O_CLOEXEC); err != nil {
		closeAll(orders[:])
		return Files{}, err
	}
	watch, err := document("watch", l.monitor.watch)
	if err != nil {
		closeAll(append(orders[:], reports[:]...))
		return Files{}, err
	}
	l.closeOrders()
	l.monitor.orders, l.monitor.reports = orders[1], reports[0]
	return Files{
		Child: []int{orders[0], reports[1], l.null, watch}, CloseChild: []int{orders[0], reports[1], watch}, CloseOwn: []int{reports[0]},
	}, nil
}

// closeOrders is for the pipe of a monitor that has ended: the next one begins with it, and
// may run already when the end of the one before is heard of.
func (l *Loop) closeOrders() {
	if l.monitor.orders >= 0 {
		unix.Close(l.monitor.orders)
	}
	l.monitor.orders = -1
}

// order tells the monitor; a monitor that does not read loses it, and PID 1 goes on.
func (l *Loop) order(o cluster.Order) {
	if l.monitor.orders >= 0 {
		unix.Write(l.monitor.orders, o.Encode())
	}
}

// renewMonitor puts a monitor that looks elsewhere, or speaks otherwise, in the place of
// the running one: the release may have been installed, or changed, since that was started.
func (l *Loop) renewMonitor() {
	if c := l.monitor.child; c.state.PID != 0 && !bytes.Equal(l.Watch().Encode(), l.monitor.watch) {
		l.restartChild(c)
	}
}

// wakeMonitor ends a monitor that says nothing; another one is started in its place.
func (l *Loop) wakeMonitor() {
	if pid := l.monitor.child.state.PID; pid != 0 && l.state.Mute(now()) {
		l.Console.Say(health.Warning, "the monitor says nothing: SIGKILL")
		unix.Kill(pid, unix.SIGKILL)
	}
}

func (l *Loop) readReports(fd int) {
	defer func() { l.crashed(recover()) }()
	defer unix.Close(fd)
	for {
		m, err := cluster.ReadMessage(descriptor(fd))
		if err != nil {
			return
		}
		fault.At("reports")
		l.monitor.messages <- m
	}
}

// descriptor is an io.Reader of a file descriptor.
type descriptor int

func (d descriptor) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(int(d), b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}
