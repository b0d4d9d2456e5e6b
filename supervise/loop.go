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
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/datagram"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/heart"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/output"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Loop is PID 1 at work. What it knows of one matter is a field of its own, whose type is in
// the file of that matter.
type Loop struct {
	Node
	state     policy.State
	timers    timers
	signals   <-chan os.Signal // nil: not listening yet
	seq       uint32           // of the last health record
	phases    []health.Phase   // of the boot, that are done
	peers     []string         // the other nodes, as they are known by now
	panics    chan string      // a goroutine panicked: why
	crashes   []time.Duration  // of PID 1 itself, see handover.Document
	null      int              // /dev/null
	downAsked bool             // to go down, not by the policy
	finished  bool

	table     *children.Table
	release   *children.Entry // of the table, as are the next ones: those that the loop itself looks at
	readahead *children.Entry
	sidecar   *children.Entry
	confirm   *children.Entry // nil: nothing is on trial
	programs  programs
	monitor   monitor
	network   reporter
	finder    finder

	starting       starting
	prepared       Release         // what Prepare gave
	prepareFailed  error           // and why it is not started
	sidecarCommand *launch.Command // what the last start of the release wanted; nil: nothing
	ends           ends            // of the release
	finishing      bool            // the loop ends as soon as the programs of AfterEnd have been run

	output          output.Pipe // of the release
	heart           heartSocket
	notify          notifySocket
	control         controlSocket
	recordPending   bool        // a record is due as soon as signals are heard
	watchdogProblem string      // what was last said about the watchdog; empty: all is well
	saving          atomic.Bool // Save has not come back yet
}

func newLoop(n Node) *Loop {
	l := &Loop{
		Node: n, seq: n.Records.Seq, phases: n.Records.Phases, peers: n.Cluster.Peers,
		panics:  make(chan string, 8),
		table:   children.New(),
		network: newReporter(),
		finder:  finder{reporter: newReporter()},
		heart:   heartSocket{messages: make(chan heart.Message, 16)},
		notify:  notifySocket{arrived: make(chan *datagram.Datagram)},
		control: controlSocket{requests: make(chan controlRequest, 16)},
	}
	l.ends = ends{node: &l.Node, guard: l.guard, output: &l.output, dumps: n.Start.Dumps, done: make(chan postMortem, 4)}
	l.monitor = monitor{console: n.Console, guard: l.guard, orders: -1, messages: make(chan cluster.Message, 16)}
	l.state = policy.State{
		Policy: n.Policy, Peers: min(len(l.peers), cluster.MaxPeers), Rand: n.Boot | 1,
		Failed: n.History.Failed, FellBack: n.History.FellBack,
	}
	l.beginTrial()
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
	l.reap() // what ended before signals were listened to
	for !l.finished {
		l.turn()
	}
	l.output.Await(outputDrain)
	l.rememberDown()
	l.lastJobs()
	return l.state.Action
}

// begin starts the release, or takes it over, and then all that it need not wait for. The
// first record comes after Listen and openControl: whoever has read it can count on being heard.
func (l *Loop) begin() {
	if l.Resume == nil {
		l.table.StartEarly()
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
	l.Console.Start(l.guard)
	l.startHistory()
	l.readOutput()
	l.watchButton()
	if !l.finished {
		l.table.Begin()
	}
	l.ends.kernel = evidence.OpenLog("/dev/kmsg")
	l.ends.prune(evidence.Run(l.Boot, l.state.Runs))
	l.openWatchdog()
	l.timers.set(policy.TickTimer, l.Records.Interval)
	l.timers.set(policy.SaveTimer, saveInterval)
	l.timers.set(policy.ShrinkTimer, shrinkAfter)
	l.save()
}

// beginRelease takes the release over, starts it, or has the network awaited for it; none says
// that there is none.
func (l *Loop) beginRelease() (none bool) {
	if l.Resume != nil && l.resume() {
		return false
	}
	switch {
	case l.Start.NoRelease != "":
		return true
	case l.Start.NetworkWait > 0:
		l.timers.set(policy.NetworkTimer, l.Start.NetworkWait)
		l.table.Step(l.readahead, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: l.readahead.Wanted(&l.state)})
		l.recordPending = true
	default:
		l.step(policy.Event{Kind: policy.Begin})
	}
	return false
}

// fillTable makes the table of children: those of every node, and those that this one has
// besides.
func (l *Loop) fillTable() {
	t := l.table
	t.Console, t.State, t.Null, t.Says, t.Guard = l.Console, &l.state, l.null, l.output.Write, l.guard
	t.OnChange, t.OnFailure, t.OnReady = l.record, l.rememberService, l.startHeld
	t.Alarm = func(after time.Duration) { l.timers.set(policy.ServiceTimer, after) }
	l.Jobs.Use(t)
	l.release = t.Add(l.releaseChild())
	l.sidecar = t.Add(l.sidecarChild())
	l.readahead = t.Add(l.readaheadChild())
	l.monitor.child = t.Add(l.monitorChild())
	if l.Network.Command != nil {
		t.Add(l.networkChild())
	}
	if l.Discovery.Command != nil {
		l.finder.child = t.Add(l.discoveryChild())
	}
	t.Add(l.fallbackChild())
	l.addTrial()
	if l.Terminal != nil {
		t.Add(l.relayChild())
	}
	l.programs = programs{table: t}
	l.programs.add(l.Programs)
	for _, c := range l.Children {
		t.Add(c)
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
	wait := l.timers.next(l.table.Next())
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
	case n := <-l.table.Notices():
		l.table.Take(n)
	case line := <-l.network.lines:
		l.networkReported(line)
	case line := <-l.finder.lines:
		l.discovered(line)
	case a := <-l.control.requests:
		l.handleRequest(a)
	case a := <-l.Jobs.Requests():
		l.Jobs.Start(a)
	case a := <-l.Jobs.Answers():
		l.Jobs.Take(a)
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
		l.Console.Say(health.Warning, "the release is killed: "+l.state.Fatal+l.release.FullWords())
	}
	l.giveUpStart()
	for _, effect := range effects {
		l.do(effect)
	}
	l.table.Reconcile()
	l.followTrial()
}

func (l *Loop) do(e policy.Effect) {
	switch e.Kind {
	case policy.Record:
		l.record()
	case policy.Start:
		l.startRelease()
	case policy.Signal:
		if pid := l.release.State.PID; pid > 1 && pid == l.state.PID { // else it has ended, and that is being looked at
			unix.Kill(pid, e.Signal)
		}
	case policy.SweepUp:
		if e.PID > 1 { // 1 would be all processes
			unix.Kill(-e.PID, unix.SIGKILL)
		}
		if l.release.State.PID == 0 {
			l.table.EmptyCgroup(l.release, e.PID)
		}
	case policy.SetTimer:
		l.timers.set(e.Timer, e.After)
	case policy.Order:
		l.monitor.order(cluster.Order{Kind: e.Order, PID: l.state.PID})
	case policy.Finish:
		l.finish()
	}
}

// reap gives each ended child to its entry.
func (l *Loop) reap() { reapAll(l.table.Reaped) }

// phase notes when a step of the boot was done, once.
func (l *Loop) phase(name string) {
	for _, p := range l.phases {
		if p.Name == name {
			return
		}
	}
	l.phases = append(l.phases, health.Phase{Name: name, At: clock.Uptime()})
}
