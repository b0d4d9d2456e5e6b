// Package supervise is PID 1's loop: it starts the release, watches it, starts
// it again by policy, reaps every child of the system, and turns signals into an
// orderly end. One goroutine owns the state. What is to be done is decided by
// policy.Step, a pure function; the loop around it only does it.
package supervise

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise/control"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/heart"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Loop is PID 1 at work.
type Loop struct {
	Node
	state          policy.State
	timers         [policy.TimerCount]time.Duration // when due; 0: not set
	output         int                              // write end of the pipe that the release writes to
	outputEnd      int                              // its read end
	null           int
	children       []*child // the table
	release        *child   // and the entries of it that have a part elsewhere
	readahead      *child
	sidecar        *child
	monitor        monitor
	reconciling    bool          // the table is looked after
	watch          cluster.Watch // what the monitor was told to look at
	healer         string        // the address in the VM that is told whom to connect to; empty: none is known
	cutPeers       []string      // since the last record
	healedPeers    []string
	brakes         map[string]time.Duration // peers that no connection to comes about, and the pause between two attempts
	cutProblemSaid bool                     // it was said that the kernel cannot cut a connection

	sidecarCommand      *launch.Command // what the last start of the release wanted; nil: nothing
	reports             chan cluster.Message
	network             reporter
	finder              reporter // of peers
	finderOrders        []byte
	discovery           *child           // its entry of the table; nil: there is none
	signals             <-chan os.Signal // nil: not listening yet
	recordPending       bool             // a record is due as soon as signals are heard
	finished            bool
	uncountedSaid       bool            // it was said why the peers are not counted
	crashes             []time.Duration // of PID 1 itself, see Handover
	panics              chan string     // a goroutine panicked: why
	saving              atomic.Bool     // Save has not come back yet
	heartMessages       chan heart.Message
	notices             chan struct{}   // something was said on notify
	notify              int             // the socket on which the release says that it is ready; 0: there is none yet
	heartUID            int             // the user whose heart is listened to, and 1 more; 0: none
	watchdogProblem     string          // what was last said about the watchdog; empty: all is well
	server              *control.Server // nil: there is no control socket
	requests            chan controlRequest
	controlFailed       bool             // that was said
	requestsServed      int              // requests since the last tidy
	shrinkPending       bool             // that was in the midst of many
	downAsked           bool             // to go down, not by the policy
	kernel              *evidence.Log    // its log, from the start of the release on; nil: not to be read
	ring                evidence.Ring    // the last output of the release
	outputBusy          atomic.Bool      // some of it is read, and not in ring and console yet
	collecting          atomic.Bool      // collect has not come back yet
	savingEvidence      atomic.Bool      // nor has keep, or pruneEvidence
	jobs                map[string]*jobs // by name
	answers             chan jobAnswer
	postMortems         chan postMortem          // of the release, when it is found out why
	programs            [BeforeEach + 1][]*child // by their times
	starting            starting
	preparing           bool    // Prepare has not called back yet
	prepared            Release // what it gave
	prepareFailed       error
	nextStepPending     bool        // of what follows from its end
	afterEndPending     bool        // the programs of AfterEnd are to be run
	finishing           bool        // the loop ends as soon as they have been
	evidenceProblemSaid atomic.Bool // it was said why nothing can be kept
}

// Run starts the release and supervises it until the node is to go down; it
// gives the action asked for. It never returns for any other reason.
func (n Node) Run() policy.Action {
	l := &Loop{Node: n, reports: make(chan cluster.Message, 16), network: newReporter(), finder: newReporter(), panics: make(chan string, 8), requests: make(chan controlRequest, 16), heartMessages: make(chan heart.Message, 16), notices: make(chan struct{}), answers: make(chan jobAnswer, 16), postMortems: make(chan postMortem, 4)}
	l.Jobs.begin = l.startJob
	defer l.Jobs.End()
	l.state = policy.State{Policy: n.Policy, Peers: min(len(n.Peers), cluster.MaxPeers), Rand: n.Boot | 1, Failed: n.Failed, FellBack: n.FellBack}
	l.null, _ = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	makeThreads()
	l.startOutput()
	l.fillTable()
	none := false
	if n.Resume == nil {
		l.startEarly()
	}
	switch {
	case n.Resume != nil && l.resume():
	case n.NoRelease != "":
		none = true
	case n.NetworkWait > 0:
		l.setTimer(policy.NetworkTimer, n.NetworkWait)
		l.stepChild(l.readahead, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: l.readahead.Wanted(&l.state)})
		l.recordPending = true
	default:
		l.step(policy.Event{Kind: policy.Begin})
	}
	// All that follows could be done before the release is started; it is not,
	// because the release need not wait for it. The first record comes after
	// Listen: whoever has read it can count on being heard.
	n.AfterStart()
	if none { // in the history it follows the beginning of the boot
		l.step(policy.Event{Kind: policy.NoRelease, Text: n.NoRelease})
	}
	l.signals = n.Signals.Listen()
	if l.recordPending && !l.isStarting() { // else that is the next one
		l.record()
	}
	unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) // Ctrl-Alt-Del becomes SIGINT
	n.Console.Start(func() { l.crashed(recover()) })
	l.startHistory()
	l.readOutput()
	l.watchButton()
	if l.reconciling = !l.finished; l.reconciling {
		l.noteLostChildren()
		l.reconcile()
	}
	l.kernel = evidence.OpenLog("/dev/kmsg")
	l.pruneEvidence()
	l.openWatchdog()
	l.setTimer(policy.TickTimer, l.Interval)
	l.setTimer(policy.SaveTimer, saveInterval)
	l.setTimer(policy.ShrinkTimer, shrinkAfter)
	l.save()
	l.openControl()
	l.reap()
	for !l.finished {
		l.turn()
	}
	l.awaitOutput(outputDrain)
	l.rememberDown()
	l.lastJobs()
	return l.state.Action
}

// fillTable makes the table of children: those of every node, and those that this one has
// besides.
func (l *Loop) fillTable() {
	l.release = l.addChild(l.releaseChild())
	l.sidecar = l.addChild(l.sidecarChild())
	l.readahead = l.addChild(l.readaheadChild())
	l.monitor = monitor{child: l.addChild(l.monitorChild()), orders: -1}
	if l.Network.Command != nil {
		l.addChild(l.networkChild())
	}
	if l.Discovery.Command != nil {
		l.discovery = l.addChild(l.discoveryChild())
	}
	l.addChild(l.fallbackChild())
	if l.Terminal != nil {
		l.addChild(l.relayChild())
	}
	l.addPrograms()
	for _, c := range l.Children {
		l.addChild(c)
	}
}

// turn waits for one thing and deals with it.
func (l *Loop) turn() {
	defer func() {
		if v := recover(); v != nil {
			l.reexecAfterCrash(l.logPanic(v))
		}
	}()
	fault.At("turn")
	wait := l.untilAlarm()
	planned := now() + wait
	alarm := time.NewTimer(wait)
	defer alarm.Stop()
	select {
	case sig := <-l.signals:
		l.signal(sig)
	case m := <-l.reports:
		l.clusterSays(m)
	case m := <-l.heartMessages:
		l.handleHeart(m)
	case <-l.notices:
		l.handleNotice()
	case line := <-l.network.lines:
		l.networkReported(line)
	case line := <-l.finder.lines:
		l.discovered(line)
	case a := <-l.requests:
		l.handleRequest(a)
	case a := <-l.Jobs.requests:
		l.startJob(a)
	case a := <-l.answers:
		l.handleAnswer(a)
	case e := <-l.postMortems:
		l.endPostMortem(&e)
	case e := <-l.FailedBoots:
		l.step(e)
	case why := <-l.panics:
		l.reexecAfterCrash(why)
	case <-alarm.C:
	}
	l.noteSuspend(now() - planned)
	l.fireAlarms()
}

func (l *Loop) signal(sig os.Signal) {
	if sig == unix.SIGCHLD {
		l.reap()
		return
	}
	if action, why := ActionOf(sig); action != "" {
		l.stop(action, why, false)
	}
}

// ActionOf is what a signal asks PID 1 for, in the manner of BusyBox init and
// erlinit; no action for one that asks for nothing.
func ActionOf(sig os.Signal) (action policy.Action, why string) {
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

func (l *Loop) stop(a policy.Action, why string, now bool) {
	l.Console.Say(health.Notice, string(a)+" asked for by "+why)
	l.Stopping(a)
	l.step(policy.Event{Kind: policy.StopAsked, Action: a, Now: now, Text: string(a) + " asked for by " + why})
}

// step takes an event through Step and does what follows.
func (l *Loop) step(e policy.Event) {
	e.At = now()
	was := l.state
	var effects []policy.Effect
	l.state, effects = policy.Step(l.state, e)
	l.rememberChange(was, e)
	l.notePhases(&was)
	if was.Kill == policy.KillNone && l.state.Fatal != "" {
		l.Console.Say(health.Warning, "the release is killed: "+l.state.Fatal)
	}
	l.giveUpStart()
	for _, effect := range effects {
		l.do(effect)
	}
	l.reconcile()
}

func (l *Loop) do(e policy.Effect) {
	switch e.Kind {
	case policy.Record:
		l.record()
	case policy.Start:
		l.startRelease()
	case policy.Signal:
		if pid := l.release.state.PID; pid > 1 && pid == l.state.PID { // else it is gone, see ended
			unix.Kill(pid, e.Signal)
		}
	case policy.SweepUp:
		if e.PID > 1 { // 1 would be all processes
			unix.Kill(-e.PID, unix.SIGKILL)
		}
	case policy.SetTimer:
		l.setTimer(e.Timer, e.After)
	case policy.Order:
		l.order(cluster.Order{Kind: e.Order, PID: l.state.PID})
	case policy.RunFallback: // its entry of the table sees that it is wanted
	case policy.Finish:
		l.finish()
	}
}

// reap gives each ended child to its entry. One that has none is an orphan that PID 1
// inherited: to collect it is all there is to do.
func (l *Loop) reap() {
	reapAll(func(pid int, status unix.WaitStatus) {
		for _, c := range l.children {
			if c.state.PID == pid {
				l.childEnded(c, status)
				return
			}
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
	l.Phases = append(l.Phases, health.Phase{Name: name, At: clock.Boottime()})
}
