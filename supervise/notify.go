package supervise

import (
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise/notify"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// notifySocket is where the release says that it is ready.
type notifySocket struct {
	fd      int           // 0: there is none yet
	arrived chan struct{} // something was said there
	healer  string        // the address in the VM that is told whom to connect to; empty: none is known
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
			l.notify.arrived <- struct{}{}
			time.Sleep(messagePace)
		}
	}
}

// handleNotice hears one message, if it means something.
func (l *Loop) handleNotice() {
	b := make([]byte, notify.MaxMessage)
	n, from, err := receive(l.notify.fd, b, unix.MSG_DONTWAIT)
	if err != nil {
		return // it was taken already
	}
	if w := notify.Parse(b[:n]); w != (notify.Words{}) {
		if w.Started && topAncestor(int(from.Pid)) == l.state.PID { // what heals has to live
			l.notify.healer = from.abstract()
		}
		l.step(policy.Event{Kind: policy.Notified, PID: speaker(int(from.Pid), l.state.PID), Said: w})
	}
}

// forgetNotices takes away what was said before the run that begins: it was about another.
func (l *Loop) forgetNotices() {
	b := make([]byte, notify.MaxMessage)
	for i := 0; l.notify.fd > 0 && i < maxWaiting; i++ {
		if _, _, err := receive(l.notify.fd, b, unix.MSG_DONTWAIT); err != nil {
			return
		}
	}
}

// speaker is the child of PID 1 that a process is, or is below of. One that has ended since it
// said its word, as systemd-notify(1) does at once, is below own: nobody else may write to
// its socket but its user and root. 0 is a process of another pid namespace (pid_namespaces(7)).
func speaker(pid, own int) int {
	if pid != 0 && parent(pid) == 0 {
		return own
	}
	return topAncestor(pid)
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
