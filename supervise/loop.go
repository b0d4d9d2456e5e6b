package supervise

import (
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// Node is what the loop is given: everything that is fixed for a boot.
type Node struct {
	Name     func() string // eclero@eclero6, as far as it is known
	Peers    []string      // the other nodes' names, in the order of the monitor's addresses
	Boot     uint32
	Policy   Policy
	Interval time.Duration // between health records

	Console *health.Console
	Signals *Signals
	Phases  []health.Phase // done so far

	Prepare    func() (Program, error) // called before every start of the release
	AfterStart func()                  // called once, as soon as the release has been started or has to wait
	NoRelease  string                  // why nothing can be started; empty: something can
	Monitor    Program

	Links       <-chan struct{}     // the kernel reports a change of links; nil: nothing is awaited
	OnLink      func() (ready bool) // called at each such change
	NetworkWait time.Duration       // 0: the network is ready
}

// Loop is PID 1 at work.
type Loop struct {
	Node
	state     State
	seq       uint32
	timers    [timers]time.Duration // when due; 0: not set
	output    int                   // write end of the pipe that the release writes to
	outputEnd int                   // its read end
	null      int
	monitor   monitor
	reports   chan health.Report
	signals   <-chan os.Signal // nil: not listening yet
	owed      bool             // a record is due as soon as signals are heard
	finished  bool
	Orphans   int // reaped so far
	panics    atomic.Int32
}

// Run starts the release and supervises it until the node is to go down; it
// gives the action asked for. It never returns for any other reason.
func (n Node) Run() Action {
	l := &Loop{Node: n, reports: make(chan health.Report, 16)}
	l.state = State{Policy: n.Policy, Peers: min(len(n.Peers), health.MaxPeers), Rand: n.Boot | 1}
	l.null, _ = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	l.startOutput()
	switch {
	case n.NoRelease != "":
		l.step(Event{Kind: NoRelease, Text: n.NoRelease})
	case n.NetworkWait > 0:
		l.setTimer(NetworkTimer, n.NetworkWait)
		l.owed = true
	default:
		l.step(Event{Kind: Begin})
	}
	// All that follows could be done before the release is started; it is not,
	// because the release need not wait for it. The first record comes after
	// Listen: whoever has read it can count on being heard.
	n.AfterStart()
	l.signals = n.Signals.Listen()
	if l.owed {
		l.record()
	}
	unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) // Ctrl-Alt-Del becomes SIGINT
	n.Console.Start(func() { l.fell(recover()) })
	l.readOutput()
	l.startMonitor()
	l.setTimer(TickTimer, l.Interval)
	l.reap()
	settle()
	for !l.finished {
		l.turn()
	}
	return l.state.Action
}

// turn waits for one thing and deals with it. A panic costs that one event.
func (l *Loop) turn() {
	defer func() { l.fell(recover()) }()
	alarm := time.NewTimer(l.untilAlarm())
	defer alarm.Stop()
	select {
	case sig := <-l.signals:
		l.signal(sig)
	case r := <-l.reports:
		l.step(Event{Kind: Reported, Report: r})
	case <-l.Links:
		if l.OnLink() {
			l.step(Event{Kind: Begin})
		}
	case <-alarm.C:
	}
	l.fireAlarms()
}

// fell says that a goroutine panicked; v is what recover gave. The goroutine's
// work ends there, PID 1 goes on.
func (l *Loop) fell(v any) {
	if v == nil {
		return
	}
	text := "panic in PID 1 (please report it): "
	switch v := v.(type) {
	case error:
		text += v.Error()
	case string:
		text += v
	}
	l.Console.Say(health.Err, text)
	if l.panics.Add(1) <= 3 {
		l.Console.Say(health.Err, string(debug.Stack()))
	}
}

func (l *Loop) signal(sig os.Signal) {
	if sig == unix.SIGCHLD {
		l.reap()
		return
	}
	if action, why := Meaning(sig); action != "" {
		l.stop(action, why)
	}
}

// Meaning is what a signal asks PID 1 for, in the manner of BusyBox init and
// erlinit; no action for one that asks for nothing.
func Meaning(sig os.Signal) (action Action, why string) {
	switch sig {
	case unix.SIGTERM:
		return config.Reboot, "SIGTERM"
	case unix.SIGINT:
		return config.Reboot, "Ctrl-Alt-Del"
	case unix.SIGUSR2:
		return config.PowerOff, "SIGUSR2"
	case unix.SIGUSR1:
		return config.Halt, "SIGUSR1"
	case unix.SIGPWR:
		return config.Halt, "SIGPWR"
	}
	return "", ""
}

func (l *Loop) stop(a Action, why string) {
	l.Console.Say(health.Notice, string(a)+" asked for by "+why)
	l.step(Event{Kind: StopAsked, Action: a, Text: string(a) + " asked for by " + why})
}

// step takes an event through Step and does what follows.
func (l *Loop) step(e Event) {
	e.At = Now()
	was := l.state
	var effects []Effect
	l.state, effects = Step(l.state, e)
	if !was.Answered && l.state.Answered && l.state.Restarts == 0 && was.Phase == Running {
		l.phase("listening")
	}
	for _, effect := range effects {
		l.do(effect)
	}
}

func (l *Loop) do(e Effect) {
	switch e.Kind {
	case Record:
		l.record()
	case Start:
		l.startRelease()
	case Signal:
		unix.Kill(l.state.PID, e.Signal)
	case SweepUp:
		unix.Kill(-e.PID, unix.SIGKILL)
	case SetTimer:
		l.setTimer(e.Timer, e.After)
	case Order:
		l.monitor.order(e.Order)
	case Finish:
		l.finished = true
	}
}

func (l *Loop) startRelease() {
	p, err := l.Prepare()
	if err == nil {
		var pid int
		if pid, err = spawn(p, l.null, l.output, l.output, false); err == nil {
			l.phase("exec")
			giveWay()
			l.step(Event{Kind: Started, PID: pid})
			return
		}
	}
	l.Console.Say(health.Err, "cannot start the release: "+err.Error())
	l.step(Event{Kind: StartFailed, Text: err.Error()})
}

// reap gives each ended child to whom it belongs.
func (l *Loop) reap() {
	collect(func(pid int, status unix.WaitStatus) {
		switch pid {
		case l.state.PID:
			l.Console.Say(health.Warning, "the release ended: "+Describe(status))
			l.step(Event{Kind: Exited, PID: pid, Status: status})
		case l.monitor.pid:
			l.monitorEnded(status)
		default:
			l.Orphans++
		}
	})
}

// phase notes when a step of the boot was done, once.
func (l *Loop) phase(name string) {
	for _, p := range l.Phases {
		if p.Name == name {
			return
		}
	}
	l.Phases = append(l.Phases, health.Phase{Name: name, At: Now()})
}
