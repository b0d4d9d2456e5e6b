package supervise

import (
	"strconv"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise/notify"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// notifySocket is where the release says that it is ready.
type notifySocket struct {
	fd      int            // 0: there is none yet
	arrived chan *datagram // something was said there; nil: it lies in the socket
	healer  string         // the address in the VM that is told whom to connect to; empty: none is known
	stale   bool           // what lies there may be of the run before
}

// maxWaiting is more than the kernel keeps of datagrams in one socket
// (net.unix.max_dgram_qlen, ip-sysctl.rst: 10, and what an image makes of it).
const maxWaiting = 1024

// listenNotices makes the socket for the release, which has just been started. It is kept when
// PID 1 executes itself anew: what is said meanwhile waits there, as a release says that
// it is ready only once. Should there be none, the probe has to be enough.
func (l *Loop) listenNotices(r *Release) {
	if l.notify.fd > 0 {
		grant(notify.Socket, r.Command.UID(), r.Notify) // another user, if PID 1 has another configuration now
		return
	}
	fd, err := listenDatagrams(notify.Socket, r.Command.UID(), r.Notify)
	if err != nil {
		l.Console.Say(health.Err, "socket "+notify.Socket+": "+err.Error()+"; the release is taken for ready as soon as it answers")
		l.step(policy.Event{Kind: policy.Unheard})
		return
	}
	l.notify.fd = fd
	go l.readNotices(fd)
}

// readNotices tells the loop that something was said. It does not take it from the
// socket: what it had in hand when PID 1 fell would be lost. Who floods the socket is
// slowed down, and PID 1 is not.
func (l *Loop) readNotices(fd int) {
	defer func() { l.crashed(recover()) }()
	for {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds[:], -1); err != nil && err != unix.EINTR || fds[0].Revents&^unix.POLLIN != 0 {
			return
		}
		fault.At("notices")
		if fds[0].Revents != 0 {
			l.notify.arrived <- takeLaden(fd, notify.MaxMessage)
			time.Sleep(messagePace)
		}
	}
}

// handleNotice hears one message, if it means something.
func (l *Loop) handleNotice(d *datagram) {
	if d == nil {
		d = takeLight(l.notify.fd, notify.MaxMessage)
	}
	if d == nil {
		return // it was taken already
	}
	if w := notify.Parse(d.text); w != (notify.Words{}) {
		if w.Started && topAncestor(int(d.from.Pid)) == l.state.PID { // what heals has to live
			l.notify.healer = d.from.abstract()
		}
		who := topAncestor(int(d.from.Pid))
		if !l.notify.stale { // else one that has ended may be of the run before
			who = speaker(d.from, l.state.PID)
		}
		l.step(policy.Event{Kind: policy.Notified, PID: who, Said: w})
	}
	if l.notify.stale {
		_, err := laden(l.notify.fd)
		l.notify.stale = err == nil
	}
}

// forgetNotices takes away what was said before the run that begins: it was about another.
func (l *Loop) forgetNotices() {
	if l.notify.fd <= 0 {
		return
	}
	for i := 0; i < maxWaiting && takeLight(l.notify.fd, notify.MaxMessage) != nil; i++ {
	}
	l.notify.stale, _ = laden(l.notify.fd)
}

// speaker is the child of PID 1 that a process is, or is below of. One that has ended since it
// said its word, as systemd-notify(1) does at once, is below own, if it was of the same user: with
// release.wrapper all may write to the socket. 0 is a process of another pid namespace
// (pid_namespaces(7)).
func speaker(from origin, own int) int {
	pid := int(from.Pid)
	if pid == 0 || parent(pid) != 0 {
		return topAncestor(pid)
	}
	var st unix.Stat_t
	if from.Uid != 0 && (unix.Stat("/proc/"+strconv.Itoa(own), &st) != nil || st.Uid != from.Uid) {
		return 0
	}
	return own
}

// topAncestor is the child of PID 1 that a process is, or is below of.
func topAncestor(pid int) int {
	for depth := 0; depth < 32; depth++ {
		above := parent(pid)
		if above <= 1 {
			break
		}
		pid = above
	}
	return pid
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
