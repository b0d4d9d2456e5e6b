package supervise

import (
	"strconv"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/footprint"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/control"
	"github.com/beaminit/beaminit/supervise/handover"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// controlSocket is what the loop knows of the socket through which it is asked.
type controlSocket struct {
	server        *control.Server // nil: there is none
	requests      chan controlRequest
	failed        bool // that was said
	served        int  // requests since PID 1 was made small
	shrinkPending bool // that was in the midst of many
}

// controlRequest is a request that waits for the loop.
type controlRequest struct {
	control.Request
	from control.Client
}

// openControl makes the control socket, where there is none yet. Without it the node goes on, says
// so once, and tries again later.
func (l *Loop) openControl() {
	c := &l.control
	if c.server != nil {
		return
	}
	server, err := control.Listen(l.Control)
	if err != nil {
		if !c.failed {
			c.failed = true
			l.Console.Say(health.Err, "no control socket: "+err.Error()+
				"; beaminit restart, stop and their like find nobody until there is one")
		}
		return
	}
	server.Incarnation, server.Version = uint64(clock.Boottime()/time.Millisecond), l.Version
	c.server = server
	go func() {
		defer l.guard()
		l.Console.Say(health.Err, "control socket: "+c.read(server).Error())
	}()
}

// read waits for requests, and hands them on; it returns only an error. The loop is never waited
// for: where it has enough to do, that is the answer.
func (c *controlSocket) read(server *control.Server) error {
	for {
		r, from, err := server.Next()
		if err != nil {
			return err
		}
		fault.At("control")
		select {
		case c.requests <- controlRequest{r, from}:
		default:
			server.Answer(from, control.Busy, "")
		}
	}
}

// handleRequest does what a request asks for, and answers with the state that follows from it.
func (l *Loop) handleRequest(a controlRequest) {
	fault.At("asked")
	l.control.served++
	then := policy.NoAction
	switch a.Command {
	case control.Status:
	case control.Restart:
		then = policy.StartPending
	case control.Stop:
		then = policy.StopPending
	case control.Rescue:
		then = policy.KillPending
	case control.Service:
		verdict := control.Verdict(control.No)
		text, ok := l.table.Ask(a.Argument)
		if ok {
			verdict = control.OK
		}
		l.control.server.Answer(a.from, verdict, text)
		return
	case control.Reexec:
		l.checkReexec(a)
		return
	default:
		l.control.server.Answer(a.from, control.No, "PID 1 is beaminit "+l.Version+" and does not know the command "+a.Command)
		return
	}
	if then != policy.NoAction {
		if l.state.Phase == policy.Ending {
			l.control.server.Answer(a.from, control.No, "the node is going down: "+l.state.Why)
			return
		}
		why := a.Command + " asked for by beaminit " + a.Command
		if l.state.Pending != then {
			l.Console.Say(health.Notice, why+" (pid "+strconv.Itoa(int(a.from.PID))+")")
		}
		l.step(policy.Event{Kind: policy.ReleaseAsked, Pending: then, Text: why})
	}
	l.control.server.Answer(a.from, control.OK, string(l.present().Append(make([]byte, 0, 512))))
}

// shrinkAfterRequests is how many requests leave so much behind that giving it back is worth it: PID 1
// grows by 2 MiB in a flood of them.
const shrinkAfterRequests = 1000

// shrinkAbove is how much of PID 1 may be in memory, in bytes, before it is made small
// again: pages of the program that were needed once add up.
const shrinkAbove = 4 << 20

// shrinkIfGrown makes PID 1 small again after many requests, and once more when they have ended.
func (c *controlSocket) shrinkIfGrown() {
	many := c.served >= shrinkAfterRequests || proc.Resident(unix.Getpid()) > shrinkAbove
	if many || c.shrinkPending {
		footprint.GiveBack()
	}
	if c.shrinkPending = many; many {
		c.served = 0
	}
}

// checkReexec has a child look at the program that is to be executed, which may be on a disk that
// hangs, and goes on when it is one.
func (l *Loop) checkReexec(a controlRequest) {
	why := new(string)
	l.Jobs.Begin(jobs.Job{Name: handover.ProgramJob, Order: a.Argument, Limit: handover.ProgramLimit}, why, func(err error) {
		switch {
		case err != nil:
			l.control.server.Answer(a.from, control.No, err.Error())
		case *why != "":
			l.control.server.Answer(a.from, control.No, *why)
		default:
			l.reexec(a)
		}
	})
}

// reexec executes the program that was asked for in the place of this one. It is
// handed everything that this one knows. Too many falls of this one are forgotten, and
// a release that was left alone because of them is watched again: another program is
// not the one that fell.
func (l *Loop) reexec(a controlRequest) {
	l.Console.Say(health.Notice, "PID 1 executes "+a.Argument+", as beaminit reexec (pid "+strconv.Itoa(int(a.from.PID))+") asked for")
	r := l.handover()
	r.From, r.Crashes = l.Version, nil
	if r.State.Phase == policy.GivenUp && r.State.PID != 0 {
		r.State.Phase = policy.Running
	}
	err := l.exec(r, a.Argument)
	text := "PID 1 cannot execute " + a.Argument + ": " + err.Error() + "; it goes on as it is"
	l.Console.Say(health.Err, text)
	l.control.server.Answer(a.from, control.No, text)
}

// reexecToStart is what a start of the release comes to in a PID 1 that fell too often to know
// how: it begins once more, and does it then.
func (l *Loop) reexecToStart() error {
	r := l.handover()
	r.From, r.Crashes = l.Version, nil
	if !r.State.Ran {
		r.State.Phase = policy.Waiting // the boot is yet to be done
	}
	return l.exec(r, "/proc/self/exe")
}

// handover is what the next PID 1 needs to know.
func (l *Loop) handover() *handover.Document {
	heartUID := l.heart.uid
	if heartUID == 0 && l.Resume != nil { // it was not listened to after too many falls
		heartUID = l.Resume.HeartUID
	}
	handed := l.table.Hand()
	return &handover.Document{
		Boot: l.Boot, Seq: l.seq, Phases: l.phases, Crashes: l.crashes,
		Clock: l.Records.Clock(), Lasting: l.Records.Lasting, StateDir: l.History.StateDir(),
		Facts: l.Facts(), FactsOf: l.Version,
		State: l.state, AfterEndPending: l.ends.programsPending, Healer: l.notify.healer, HeartUID: heartUID,
		Children: handed.States,

		Output:   [2]int{max(l.output.Read, 0), max(l.output.Write, 0)},
		Watchdog: l.Watchdog.Device.FD(), Notify: l.notify.fd, Heart: l.heart.fd, Terminal: l.Terminal,
		Lines: handed.Lines, Notices: handed.Notices,
	}
}

// exec executes the program of that path in this process. It returns only an error;
// then all is as it was.
func (l *Loop) exec(r *handover.Document, path string) error {
	l.History.Flush(200 * time.Millisecond)
	l.Console.Stop(200 * time.Millisecond)
	err := r.Exec(path)
	l.Console.Start(l.guard)
	return err
}
