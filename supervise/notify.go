package supervise

import (
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/supervise/datagram"
	"github.com/beaminit/beaminit/supervise/notify"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// notifySocket is where the release says that it is ready.
type notifySocket struct {
	fd      int                     // 0: there is none yet
	arrived chan *datagram.Datagram // something was said there; nil: it lies in the socket
	healer  string                  // the address in the VM that is told whom to connect to; empty: none is known
	stale   bool                    // what lies there may be of the run before
}

// maxWaiting is more than the kernel keeps of datagrams in one socket
// (net.unix.max_dgram_qlen, ip-sysctl.rst: 10, and what an image makes of it).
const maxWaiting = 1024

// listen makes the socket for a release of that user, which has just been started. It is kept when
// PID 1 executes itself anew: what is said meanwhile waits there, as a release says that it is ready
// only once.
func (n *notifySocket) listen(uid int, mode uint32, guard func()) error {
	if n.fd > 0 {
		datagram.Grant(notify.Socket, uid, mode) // another user, if PID 1 has another configuration now
		return nil
	}
	fd, err := datagram.Listen(notify.Socket, uid, mode)
	if err != nil {
		return err
	}
	n.fd = fd
	go n.read(fd, guard)
	return nil
}

// read tells the loop that something was said. It does not take it from the socket: what it had in
// hand when PID 1 fell would be lost. Who floods the socket is slowed down, and PID 1 is not.
func (n *notifySocket) read(fd int, guard func()) {
	defer guard()
	for {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds[:], -1); err != nil && err != unix.EINTR || fds[0].Revents&^unix.POLLIN != 0 {
			return
		}
		fault.At("notices")
		if fds[0].Revents != 0 {
			n.arrived <- datagram.TakeWithFiles(fd, notify.MaxMessage)
			time.Sleep(datagram.Pace)
		}
	}
}

// take is one message, and which child of PID 1 said it, below the VM or not; d is nil where it still
// lies in the socket. A message that means nothing has no words.
func (n *notifySocket) take(d *datagram.Datagram, vm int) (who int, said notify.Words) {
	if d == nil {
		d = datagram.TakeWithoutFiles(n.fd, notify.MaxMessage)
	}
	if d == nil {
		return 0, said // it was taken already
	}
	if said = notify.Parse(d.Text); said != (notify.Words{}) {
		who = proc.TopAncestor(int(d.From.Pid))
		if said.Started && who == vm { // what heals has to live
			n.healer = d.From.Abstract()
		}
		if !n.stale { // else one that has ended may be of the run before
			who = d.From.Speaker(vm)
		}
	}
	if n.stale {
		_, err := datagram.HasFiles(n.fd)
		n.stale = err == nil
	}
	return who, said
}

// forget takes away what was said before the run that begins: it was about another.
func (n *notifySocket) forget() {
	if n.fd <= 0 {
		return
	}
	for i := 0; i < maxWaiting && datagram.TakeWithoutFiles(n.fd, notify.MaxMessage) != nil; i++ {
	}
	n.stale, _ = datagram.HasFiles(n.fd)
}

// listenNotices has the release heard. Should there be no socket, the probe has to be enough.
func (l *Loop) listenNotices(r *Release) {
	if err := l.notify.listen(r.Command.UID(), r.Notify, l.guard); err != nil {
		l.Console.Say(health.Err, "socket "+notify.Socket+": "+err.Error()+"; the release is taken for ready as soon as it answers")
		l.step(policy.Event{Kind: policy.Unheard})
	}
}

// handleNotice hears one message, if it means something.
func (l *Loop) handleNotice(d *datagram.Datagram) {
	if who, said := l.notify.take(d, l.state.PID); said != (notify.Words{}) {
		l.step(policy.Event{Kind: policy.Notified, PID: who, Said: said})
	}
}

// heal tells the VM to connect to a peer. One that does not listen is told again soon.
func (n *notifySocket) heal(p cluster.Peer) {
	if n.healer != "" && p.Node != "" {
		unix.Sendto(n.fd, []byte(p.Node), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, &unix.SockaddrUnix{Name: n.healer})
	}
}

// notePhases notes how far the first run of a boot has come.
func (l *Loop) notePhases(was *policy.State) {
	s := &l.state
	if s.Runs != 1 || was.Phase != policy.Running {
		return
	}
	if s.Answered && !was.Answered {
		l.phase("listening")
	}
	if s.Started && !was.Started {
		l.phase("started")
	}
	if s.Notified && !was.Notified {
		l.phase("ready")
	}
}
