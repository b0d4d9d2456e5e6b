package supervise

import (
	"io"
	"slices"
	"time"

	"github.com/beaminit/beaminit/supervise/policy"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/proc"
	"golang.org/x/sys/unix"
)

// monitorPause is the time between the end of a monitor and the next.
const monitorPause = time.Second

// monitor is the child that looks at the network for PID 1, which itself never
// reads a byte that another machine sent.
type monitor struct {
	pid    int
	orders int      // write end; -1: none
	argv   []string // what it was told to look at
}

// order tells the monitor; a monitor that does not read loses it, and PID 1 goes on.
func (m *monitor) order(o cluster.Order) {
	if m.pid != 0 {
		unix.Write(m.orders, o.Encode())
	}
}

// startMonitor starts the child and a goroutine that hands its reports on.
func (l *Loop) startMonitor() {
	var orders, reports [2]int
	if err := unix.Pipe2(orders[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		l.monitorFailed(err)
		return
	}
	if err := unix.Pipe2(reports[:], unix.O_CLOEXEC); err != nil {
		unix.Close(orders[0])
		unix.Close(orders[1])
		l.monitorFailed(err)
		return
	}
	l.watch = l.Watch()
	p := Program{Path: "/proc/self/exe", Argv: l.watch.Args(), Dir: "/", User: nobody()}
	pid, err := l.Signals.spawn(p, orders[0], reports[1], l.null)
	unix.Close(orders[0])
	unix.Close(reports[1])
	if err != nil {
		unix.Close(orders[1])
		unix.Close(reports[0])
		l.monitorFailed(err)
		return
	}
	l.monitor = monitor{pid, orders[1], p.Argv}
	if l.state.Phase == policy.Running {
		l.monitor.order(cluster.Order{Kind: l.state.WatchOrder(), PID: l.state.PID})
	}
	go l.readReports(reports[0])
}

// renewMonitor puts a monitor that looks elsewhere, or speaks otherwise, in the place of
// the running one: the release may have been installed, or changed, since that was started.
func (l *Loop) renewMonitor() {
	if l.monitor.pid == 0 || slices.Equal(l.Watch().Args(), l.monitor.argv) {
		return
	}
	unix.Kill(l.monitor.pid, unix.SIGKILL)
	unix.Close(l.monitor.orders)
	l.monitor = monitor{orders: -1}
	l.startMonitor()
}

func (l *Loop) readReports(fd int) {
	defer func() { l.fell(recover()) }()
	defer unix.Close(fd)
	for {
		m, err := cluster.ReadMessage(descriptor(fd))
		if err != nil {
			return
		}
		fault.At("reports")
		l.reports <- m
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

func (l *Loop) monitorFailed(err error) {
	l.Console.Say(health.Err, "cannot start the monitor: "+err.Error()+"; trying again in a second")
	l.setTimer(policy.MonitorTimer, monitorPause)
}

func (l *Loop) monitorEnded(status unix.WaitStatus) {
	unix.Close(l.monitor.orders)
	l.monitor = monitor{orders: -1}
	l.Console.Say(health.Warning, "the monitor ended ("+proc.Describe(status)+"), it is started again in a second")
	l.setTimer(policy.MonitorTimer, monitorPause)
}
