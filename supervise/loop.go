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
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/heart"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Loop is PID 1 at work. What it knows of one matter is a field of its own, whose type is in
// the file of that matter.
type Loop struct {
	Node
	state     policy.State
	timers    [policy.TimerCount]time.Duration // when due; 0: not set
	signals   <-chan os.Signal                 // nil: not listening yet
	seq       uint32                           // of the last health record
	phases    []health.Phase                   // of the boot, that are done
	peers     []string                         // the other nodes, as they are known by now
	dumps     evidence.Dumps                   // what is kept of each end
	panics    chan string                      // a goroutine panicked: why
	crashes   []time.Duration                  // of PID 1 itself, see Handover
	null      int                              // /dev/null
	downAsked bool                             // to go down, not by the policy
	finished  bool

	children    []*child // the table
	reconciling bool     // it is looked after
	release     *child   // and the entries of it that have a part elsewhere
	readahead   *child
	sidecar     *child
	confirm     *child                   // nil: nothing is on trial
	programs    [BeforeEach + 1][]*child // by their times
	jobs        jobTable
	monitor     monitor
	network     reporter
	finder      finder
	services    services

	starting       starting
	prepared       Release         // what Prepare gave
	prepareFailed  error           // and why it is not started
	sidecarCommand *launch.Command // what the last start of the release wanted; nil: nothing
	ends           ends            // of the release
	finishing      bool            // the loop ends as soon as the programs of AfterEnd have been run

	output          output // of the release
	heart           heartSocket
	notify          notifySocket
	control         controlSocket
	recordPending   bool        // a record is due as soon as signals are heard
	watchdogProblem string      // what was last said about the watchdog; empty: all is well
	saving          atomic.Bool // Save has not come back yet
}

func newLoop(n Node) *Loop {
	l := &Loop{
		Node: n, seq: n.Records.Seq, phases: n.Records.Phases, peers: n.Cluster.Peers, dumps: n.Start.Dumps,
		panics:   make(chan string, 8),
		jobs:     jobTable{byName: map[string]*jobs{}, answers: make(chan jobAnswer, 16)},
		monitor:  monitor{orders: -1, messages: make(chan cluster.Message, 16)},
		network:  newReporter(),
		finder:   finder{reporter: newReporter()},
		services: services{notices: make(chan serviceNotice), taken: make(chan struct{})},
		ends:     ends{done: make(chan postMortem, 4)},
		heart:    heartSocket{messages: make(chan heart.Message, 16)},
		notify:   notifySocket{arrived: make(chan *datagram)},
		control:  controlSocket{requests: make(chan controlRequest, 16)},
	}
	l.state = policy.State{
		Policy: n.Policy, Peers: min(len(l.peers), cluster.MaxPeers), Rand: n.Boot | 1,
		Failed: n.History.Failed, FellBack: n.History.FellBack,
	}
	l.beginTrial()
	l.Jobs.begin = l.startJob
	l.null, _ = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	return l
}

// Run starts the release and supervises it until the node is to go down; it
// gives the action asked for. It never returns for any other reason.
func (n Node) Run() policy.Action {
	l := newLoop(n)
	defer l.Jobs.End()
	makeThreads()
	l.startOutput()
	l.fillTable()
	l.begin()
	l.reap()
	for !l.finished {
		l.turn()
	}
	l.awaitOutput(outputDrain)
	l.rememberDown()
	l.lastJobs()
	return l.state.Action
}

// begin starts the release, or takes it over, and then all that it need not wait for. The
// first record comes after Listen and openControl: whoever has read it can count on being heard.
func (l *Loop) begin() {
	if l.Resume == nil {
		l.startEarly()
		l.watchTrial()
	}
	none := l.beginRelease()
	l.Start.Begun()
	if none { // in the history it follows the beginning of the boot
		l.step(policy.Event{Kind: policy.NoRelease, Text: l.Start.NoRelease})
	}
	l.signals = l.Signals.Listen()
	l.openControl()
	if l.recordPending && !l.isStarting() { // else that is the next one
		l.record()
	}
	unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) // Ctrl-Alt-Del becomes SIGINT
	l.Console.Start(func() { l.crashed(recover()) })
	l.startHistory()
	l.readOutput()
	l.watchButton()
	if l.reconciling = !l.finished; l.reconciling {
		l.noteLostChildren()
		l.reconcile()
	}
	l.ends.kernel = evidence.OpenLog("/dev/kmsg")
	l.pruneEvidence()
	l.openWatchdog()
	l.setTimer(policy.TickTimer, l.Records.Interval)
	l.setTimer(policy.SaveTimer, saveInterval)
	l.setTimer(policy.ShrinkTimer, shrinkAfter)
	l.save()
}

// beginRelease starts the release, or has the network awaited for it; none says that there
// is none.
func (l *Loop) beginRelease() (none bool) {
	switch {
	case l.Resume != nil && l.resume():
	case l.Start.NoRelease != "":
		return true
	case l.Start.NetworkWait > 0:
		l.setTimer(policy.NetworkTimer, l.Start.NetworkWait)
		l.stepChild(l.readahead, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: l.readahead.Wanted(&l.state)})
		l.recordPending = true
	default:
		l.step(policy.Event{Kind: policy.Begin})
	}
	return false
}

// fillTable makes the table of children: those of every node, and those that this one has
// besides.
func (l *Loop) fillTable() {
	l.release = l.addChild(l.releaseChild())
	l.sidecar = l.addChild(l.sidecarChild())
	l.readahead = l.addChild(l.readaheadChild())
	l.monitor.child = l.addChild(l.monitorChild())
	if l.Network.Command != nil {
		l.addChild(l.networkChild())
	}
	if l.Discovery.Command != nil {
		l.finder.child = l.addChild(l.discoveryChild())
	}
	l.addChild(l.fallbackChild())
	l.addTrial()
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
	case m := <-l.monitor.messages:
		l.clusterSays(m)
	case m := <-l.heart.messages:
		l.handleHeart(m)
	case d := <-l.notify.arrived:
		l.handleNotice(d)
	case n := <-l.services.notices:
		l.handleServiceNotice(n)
	case line := <-l.network.lines:
		l.networkReported(line)
	case line := <-l.finder.lines:
		l.discovered(line)
	case a := <-l.control.requests:
		l.handleRequest(a)
	case a := <-l.Jobs.requests:
		l.startJob(a)
	case a := <-l.jobs.answers:
		l.handleAnswer(a)
	case e := <-l.ends.done:
		l.endPostMortem(&e)
	case e := <-l.History.Boots:
		l.step(e)
	case why := <-l.panics:
		l.reexecAfterCrash(why)
	case <-alarm.C:
	}
	l.noteSuspend(now() - planned)
	l.fireAlarms()
}

// step takes an event through Step and does what follows.
func (l *Loop) step(e policy.Event) {
	e.At = now()
	was := l.state
	var effects []policy.Effect
	l.state, effects = policy.Step(l.state, e)
	l.rememberChange(was, e)
	l.notePhases(&was)
	l.noteTrial(&was)
	if was.Kill == policy.KillNone && l.state.Fatal != "" {
		l.Console.Say(health.Warning, "the release is killed: "+l.state.Fatal+l.release.fullWords())
	}
	l.giveUpStart()
	for _, effect := range effects {
		l.do(effect)
	}
	l.reconcile()
	l.followTrial()
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
		if l.release.state.PID == 0 {
			l.emptyCgroup(l.release, e.PID)
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
	for _, p := range l.phases {
		if p.Name == name {
			return
		}
	}
	l.phases = append(l.phases, health.Phase{Name: name, At: clock.Uptime()})
}
