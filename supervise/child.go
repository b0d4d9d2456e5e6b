package supervise

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/cgroup"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Child is a kind of child of PID 1: an entry of the loop's table. The loop starts it
// when it is wanted, starts it again by its policy, stops it when it is wanted no more,
// says how it ended, and hands it over when PID 1 executes itself anew: the next one knows
// it by its name. All fields but Name, Policy, Wanted and Command may be left out.
type Child struct {
	Name   string // one of its kind in a node, but for a service, whose name is its user's choice
	Title  string // in messages; empty: Name
	Policy policy.ChildPolicy
	// Wanted says whether it is to run, by the state of the release. It is asked after
	// each event and may only look.
	Wanted func(*policy.State) bool
	// Command is what to start. It is asked at each start; nil: there is nothing to start
	// as long as it is wanted.
	Command func() (*launch.Command, error)
	// Files opens its descriptors; without it, it reads nothing, and what it writes is on
	// the console with its name in front.
	Files   func() (Files, error)
	Started func(pid int)
	// Refused is called where it could not be started, Ended where it has ended.
	Refused func(error)
	Ended   func(pid int, status unix.WaitStatus)
	Late    func() // called where it was killed because of its deadline, which may not end it
	Quiet   bool   // its end is nothing to say
	Local   bool   // it ends with this PID 1, so the next one is not told of it
	Service bool   // people know it by its name: it is listed, and a word of the health record where it does not run
	// Cgroup is what it and all that it starts run in; nil: that of PID 1. What is left in it is
	// killed when the child has ended.
	Cgroup *cgroup.Group
	Early  bool // it is started before the release, and before the network is awaited
}

// Files are the descriptors of a child, by number, and which of those that were opened
// for it are whose: the child's are closed in PID 1 as soon as it runs, PID 1's where it
// could not be started.
type Files struct {
	Child      []int
	CloseChild []int
	CloseOwn   []int
}

// child is an entry with what is known of it.
type child struct {
	Child
	state policy.ChildState
	lines atomic.Int32 // where its output is read; 0: nobody reads it

	notices            atomic.Int32 // the socket on which it says that it is ready; 0: none
	wasReady, wasTardy bool         // as it was said

	cgroup cgroupState
	how    string // it ended last
	failed bool   // and that was no success, and nobody had asked for it
}

// Wanted is for what is to run as long as the node does not go down.
func Wanted(s *policy.State) bool { return s.Phase != policy.Ending }

func (c *child) title() string {
	if c.Title != "" {
		return c.Title
	}
	return c.Name
}

// addChild puts an entry into the table.
func (l *Loop) addChild(c Child) *child {
	entry := &child{Child: c}
	entry.noteOOM()
	l.children = append(l.children, entry)
	return entry
}

// reconcile starts and stops children as the state of the release wants it.
func (l *Loop) reconcile() {
	if !l.reconciling {
		return
	}
	for _, c := range l.children {
		if wanted := l.wanted(c); wanted != c.state.Wanted {
			l.stepChild(c, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: wanted})
		}
	}
}

// stepChild takes an event through policy.StepChild and does what follows.
func (l *Loop) stepChild(c *child, e policy.ChildEvent) {
	e.At = now()
	var effects []policy.ChildEffect
	c.state, effects = policy.StepChild(c.Policy, c.state, e)
	for _, effect := range effects {
		if effect.Start {
			l.startChild(c)
		} else {
			unix.Kill(c.state.PID, effect.Signal)
			if effect.Signal == unix.SIGKILL {
				unix.Kill(-c.state.PID, unix.SIGKILL) // what it has started too
			}
			if c.state.Late && c.Late != nil {
				c.Late()
			}
		}
	}
	if c.Service && (c.state.Ready != c.wasReady || c.state.Tardy != c.wasTardy) {
		l.noteReady(c)
	}
}

// startEarly starts what comes before the release.
func (l *Loop) startEarly() {
	for _, c := range l.children {
		if c.Early {
			l.stepChild(c, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: l.wanted(c)})
		}
	}
}

func (l *Loop) startChild(c *child) {
	pid, err := l.spawn(c)
	switch {
	case err != nil:
		l.stepChild(c, policy.ChildEvent{Kind: policy.ChildNotStarted})
		if c.Refused != nil {
			c.Refused(err)
			return
		}
		was := c.failed
		c.how, c.failed = "cannot be started: "+err.Error(), true
		l.sayRefused(c, err)
		if c.Service && !was {
			l.record()
		}
	case pid == 0:
		c.state.Done = true
	default:
		l.stepChild(c, policy.ChildEvent{Kind: policy.ChildStarted, PID: pid})
		if c.Started != nil {
			c.Started(pid)
		}
	}
}

func (l *Loop) sayRefused(c *child, err error) {
	l.Console.Say(health.Err, "cannot start "+c.title()+": "+err.Error()+"; trying again in "+c.state.Pause.String())
}

// pause is the time until its next start.
func (c *child) pause() time.Duration {
	return max(c.state.NextAt-now(), 0).Round(time.Millisecond)
}

// spawn executes it; pid 0 and no error: there is nothing to start.
func (l *Loop) spawn(c *child) (pid int, err error) {
	cmd, err := c.Command()
	if err != nil || cmd == nil {
		return 0, err
	}
	files := l.lineFiles
	if c.Files != nil {
		files = func(*child) (Files, error) { return c.Files() }
	}
	if c.Policy.Ready == policy.ReadyNotify {
		if err := l.listenTo(c, cmd); err != nil {
			return 0, err
		}
	}
	f, err := files(c)
	if err != nil {
		return 0, err
	}
	if c.Cgroup != nil {
		cmd.Bounds.Cgroup = l.makeCgroup(c)
	}
	says := l.output.write
	if c.Files == nil { // what the exec helper has to say is about this child
		says = f.Child[1]
	}
	pid, err = cmd.Spawn(says, f.Child...)
	closeAll(f.CloseChild)
	if err != nil {
		closeAll(f.CloseOwn)
	}
	return pid, err
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// key is the name by which the next PID 1 knows it: a service may be named as a child of PID 1's own.
func (c *child) key() string {
	if c.Service {
		return "service." + c.Name
	}
	return c.Name
}

// keyIn is that of what was handed over, by a version that knew services by their names alone too.
func (c *child) keyIn(r *Handover) string {
	if _, ok := r.Children[c.key()]; !ok && c.Service {
		return c.Name
	}
	return c.key()
}

// childEnded is the end of a child of the table.
func (l *Loop) childEnded(c *child, status unix.WaitStatus) {
	pid, asked, late, killed := c.state.PID, c.state.Stopping, c.state.Late, c.state.Killed
	how := proc.Describe(status)
	if c != l.release { // what is left of that goes behind the look at its end, see SweepUp
		how += c.oomWords(status)
		l.emptyCgroup(c, 0)
	}
	l.stepChild(c, policy.ChildEvent{Kind: policy.ChildExited, Status: status})
	c.how, c.failed = how, status != 0 && !asked
	if !c.Quiet && !asked {
		l.sayEnd(c, c.how, late)
	}
	if asked {
		l.sayStopped(c, killed)
	}
	if c.Service && c.failed {
		l.rememberService(c)
		l.record()
	}
	if c.Ended != nil {
		c.Ended(pid, status)
	}
	if c == l.services.stopping {
		l.nextToStop()
	}
}

// sayEnd says how a child ended and what follows.
func (l *Loop) sayEnd(c *child, how string, late bool) {
	if late {
		how += ", not done after " + c.Policy.Deadline.String()
	}
	text, weight := c.title()+" ended ("+how+")", health.Warning
	if c.state.PID != 0 {
		text += ", it was started again (pid " + strconv.Itoa(c.state.PID) + ")"
	} else if c.state.Wanted && !c.state.Done {
		text += ", it is started again in " + c.state.Pause.String()
		if c.Service && !c.failed && c.state.Runs == 1 && c.Policy.Ready != policy.ReadyExit { // it may have become a daemon
			text += "; it is to stay in the foreground"
		}
	} else if !c.failed {
		weight = health.Notice // it has done its work
	}
	l.Console.Say(weight, text)
}

// fireChildren steps the children whose time has come.
func (l *Loop) fireChildren() {
	now := now()
	for _, c := range l.children {
		if next := c.state.Next(); next != 0 && next <= now {
			l.stepChild(c, policy.ChildEvent{Kind: policy.ChildTime})
		}
	}
}

// restartChild ends a child that runs, for another one in its place at once.
func (l *Loop) restartChild(c *child) {
	l.stepChild(c, policy.ChildEvent{Kind: policy.ChildWanted})
	if c.state.PID != 0 && !c.state.Stopping { // it would linger
		c.state.Stopping, c.state.Killed = true, true
		unix.Kill(c.state.PID, unix.SIGKILL)
	}
	l.stepChild(c, policy.ChildEvent{Kind: policy.ChildWanted, Wanted: true, ByHand: c.Service})
}
