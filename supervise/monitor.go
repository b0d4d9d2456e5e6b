package supervise

import (
	"bytes"
	"io"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// everySecond starts a child again, as long as it takes.
var everySecond = policy.ChildPolicy{Restart: policy.Always, BackoffFirst: time.Second, BackoffLongest: time.Second, Linger: true}

// monitor is what the loop knows of the child that looks at the network for PID 1, which
// itself never reads a byte that another machine sent.
type monitor struct {
	console  *health.Console
	guard    func()
	child    *children.Entry
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
func (l *Loop) monitorChild() children.Child {
	m := &l.monitor
	return children.Child{
		Name: "monitor", Title: "the monitor", Policy: everySecond, Local: true,
		Wanted: func(*policy.State) bool { return true },
		Command: func() (*launch.Command, error) {
			w := l.Cluster.Watch()
			w.Table = m.target.Table + 1
			m.take(w)
			return MonitorCommand(), nil
		},
		Files: func() (children.Files, error) { return m.files(l.null) },
		Started: func(int) {
			if l.state.Phase == policy.Running {
				m.order(cluster.Order{Kind: l.state.WatchOrder(), PID: l.state.PID})
			}
			go m.read(m.reports)
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

// files are its descriptors: orders, reports, its standard error, and what it is to look at.
func (m *monitor) files(null int) (children.Files, error) {
	var reports [2]int
	orders, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return children.Files{}, err
	}
	if err := unix.Pipe2(reports[:], unix.O_CLOEXEC); err != nil {
		children.CloseAll(orders[:])
		return children.Files{}, err
	}
	watch, err := files.InMemory("watch", m.watch)
	if err != nil {
		children.CloseAll(append(orders[:], reports[:]...))
		return children.Files{}, err
	}
	m.closeOrders()
	m.orders, m.reports = orders[1], reports[0]
	return children.Files{
		Child: []int{orders[0], reports[1], null, watch}, CloseChild: []int{orders[0], reports[1], watch}, CloseOwn: []int{reports[0]},
	}, nil
}

// closeOrders is for the socket of a monitor that has ended: the next one begins with it, and
// may run already when the end of the one before is heard of.
func (m *monitor) closeOrders() {
	if m.orders >= 0 {
		unix.Close(m.orders)
	}
	m.orders = -1
}

// order tells the monitor; a monitor that does not read loses it, and PID 1 goes on.
func (m *monitor) order(o cluster.Order) {
	if m.orders >= 0 {
		unix.Sendmsg(m.orders, o.Encode(), nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	}
}

// take notes what it is told to look at.
func (m *monitor) take(w cluster.Watch) { m.target, m.watch = w, w.Encode() }

// renewMonitor tells the monitor where it is to look elsewhere, or to speak otherwise: peers
// were found or went, or the release was installed, or changed, since it was started. One that
// does not read is started anew.
func (l *Loop) renewMonitor() {
	m := &l.monitor
	if m.child.State.PID == 0 {
		return
	}
	w := l.Cluster.Watch()
	w.Table = m.target.Table
	if bytes.Equal(w.Encode(), m.watch) {
		return
	}
	w.Table++
	if err := m.send(w); err != nil {
		l.table.Restart(m.child)
		return
	}
	m.take(w)
}

// send tells it what to look at, by a file that comes with the order.
func (m *monitor) send(w cluster.Watch) error {
	fd, err := files.InMemory("watch", w.Encode())
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	order := cluster.Order{Kind: cluster.Renew}.Encode()
	return unix.Sendmsg(m.orders, order, unix.UnixRights(fd), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// wake ends a monitor that says nothing; another one is started in its place.
func (m *monitor) wake(s *policy.State) {
	if pid := m.child.State.PID; pid != 0 && s.Mute(now()) {
		m.console.Say(health.Warning, "the monitor says nothing: SIGKILL")
		unix.Kill(pid, unix.SIGKILL)
	}
}

// read hands on what the monitor reports, until it ends.
func (m *monitor) read(fd int) {
	defer m.guard()
	defer unix.Close(fd)
	for {
		message, err := cluster.ReadMessage(descriptor(fd))
		if err != nil {
			return
		}
		fault.At("reports")
		m.messages <- message
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
