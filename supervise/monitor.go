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
	orders   int // socket; -1: none
	reports  int // read end, until somebody reads it
	messages chan cluster.Message
	target   cluster.Watch // what it was told to look at
	watch    []byte        // the same as it was told

	cut, healed    []string         // peers, since the last record
	brakes         map[string]brake // peers that no connection to comes about
	cutProblemSaid bool             // that the kernel cannot cut a connection
	uncountedSaid  bool             // why the peers are not counted
}

// monitorChild is that child: of a user of its own, with a socket for orders and a pipe for reports. It
// ends when the orders do, so the next PID 1 begins with one of its own.
func (l *Loop) monitorChild() Child {
	return Child{
		Name: "monitor", Title: "the monitor", Policy: everySecond, Local: true,
		Wanted: func(*policy.State) bool { return true },
		Command: func() (*launch.Command, error) {
			l.takeWatch(l.watchAfter())
			return MonitorCommand(), nil
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

// MonitorCommand is how it is started.
func MonitorCommand() *launch.Command {
	return &launch.Command{
		Path: "/proc/self/exe", Argv: []string{cluster.MonitorName}, Dir: "/",
		Bounds: launch.Own(launch.Nobody(launch.MonitorUID), launch.Sandbox{Read: []string{"/proc"}, Connect: true}),
	}
}

func (l *Loop) monitorFiles() (Files, error) {
	var reports [2]int
	orders, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
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

// closeOrders is for the socket of a monitor that has ended: the next one begins with it, and
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
		unix.Sendmsg(l.monitor.orders, o.Encode(), nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	}
}

// watchAfter is what the monitor is to look at now, as the table after the one that it has.
func (l *Loop) watchAfter() cluster.Watch {
	w := l.Cluster.Watch()
	w.Table = l.monitor.target.Table + 1
	return w
}

func (l *Loop) takeWatch(w cluster.Watch) { l.monitor.target, l.monitor.watch = w, w.Encode() }

// renewMonitor tells the monitor where it is to look elsewhere, or to speak otherwise: peers
// were found or went, or the release was installed, or changed, since it was started. One that
// does not read is started anew.
func (l *Loop) renewMonitor() {
	c := l.monitor.child
	if c.state.PID == 0 {
		return
	}
	w := l.Cluster.Watch()
	w.Table = l.monitor.target.Table
	if bytes.Equal(w.Encode(), l.monitor.watch) {
		return
	}
	w.Table++
	if err := l.sendWatch(w); err != nil {
		l.restartChild(c)
		return
	}
	l.takeWatch(w)
}

// sendWatch sends a table to the monitor, as a file that comes with the order.
func (l *Loop) sendWatch(w cluster.Watch) error {
	fd, err := document("watch", w.Encode())
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendmsg(l.monitor.orders, cluster.Order{Kind: cluster.Renew}.Encode(), unix.UnixRights(fd), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
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
