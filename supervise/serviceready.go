package supervise

import (
	"os"
	"strings"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/notify"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// serviceNotice says that something lies in the socket of a service.
type serviceNotice struct {
	from *child
	fd   int
	said *datagram // nil: it lies there
}

// listenTo makes the socket on which a service says that it is ready, its user's own, and
// gives its path for NOTIFY_SOCKET. Like that of the release it is kept when PID 1 executes
// itself anew.
func (l *Loop) listenTo(c *child, cmd *launch.Command) error {
	path := notify.Socket + "." + c.Name
	if fd := int(c.notices.Load()); fd > 0 {
		grant(path, cmd.UID(), 0o600)
	} else {
		fd, err := listenDatagrams(path, cmd.UID(), 0o600)
		if err != nil {
			return err
		}
		l.followNotices(fd, c)
	}
	cmd.Env = launch.WithEnv(cmd.Env, "NOTIFY_SOCKET="+path)
	return nil
}

// followNotices has the socket of a service looked at.
func (l *Loop) followNotices(fd int, c *child) {
	unix.SetNonblock(fd, true)
	c.notices.Store(int32(fd))
	go l.readServiceNotices(os.NewFile(uintptr(fd), c.Name), serviceNotice{from: c, fd: fd})
}

// readServiceNotices tells the loop that something was said, and leaves it in the socket until
// the loop has taken it (see readNotices). The runtime's poller waits for it, so no thread does.
func (l *Loop) readServiceNotices(in *os.File, n serviceNotice) {
	defer func() { l.crashed(recover()) }()
	defer in.Close()
	raw, err := in.SyscallConn()
	for err == nil {
		err = raw.Read(func(fd uintptr) bool {
			var b [1]byte
			_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
			return err != unix.EAGAIN && err != unix.EINTR
		})
		fault.At("notices")
		n.said = takeLaden(n.fd, notify.MaxMessage)
		l.services.notices <- n
		<-l.services.taken
		time.Sleep(messagePace) // who floods it is slowed down, and PID 1 is not
	}
}

// handleServiceNotice hears one message of a service.
func (l *Loop) handleServiceNotice(n serviceNotice) {
	d := n.said
	if d == nil {
		d = takeLight(n.fd, notify.MaxMessage)
	}
	if d != nil && notify.Parse(d.text).Ready {
		l.stepChild(n.from, policy.ChildEvent{Kind: policy.ChildNotified, PID: speaker(d.from, n.from.state.PID)})
	}
	l.services.taken <- struct{}{}
}

// noteReady says it when a service is ready, or its time to be is over, and goes on with what
// waits for that.
func (l *Loop) noteReady(c *child) {
	ready, tardy := c.state.Ready, c.state.Tardy
	if ready && !c.wasReady && c.Policy.Ready != policy.ReadyStarted {
		l.Console.Say(health.Notice, c.title()+" is ready")
	}
	if tardy && !c.wasTardy {
		text := c.title() + " is not ready"
		if c.state.PID != 0 || !c.state.Done {
			text += " after " + c.Policy.ReadyTimeout.String()
		}
		if c.Early && !l.state.Ran {
			text += "; the release is started without it"
		}
		l.Console.Say(health.Err, text)
	}
	changed := tardy != c.wasTardy
	c.wasReady, c.wasTardy = ready, tardy
	if changed {
		l.record()
	}
	l.startHeld()
}

// holding are the services that the first start of the release waits for: each until it is
// ready, or has had its time.
func (l *Loop) holding() (names []string) {
	if l.state.Ran {
		return nil
	}
	for _, c := range l.children {
		if c.Service && c.Early && c.state.Wanted && !c.state.Ready && !c.state.Tardy {
			names = append(names, c.Name)
		}
	}
	return names
}

// startHeld starts the release where it was held, and nothing holds it any more.
func (l *Loop) startHeld() {
	if l.starting.held && len(l.holding()) == 0 {
		l.starting.held = false
		l.startRelease()
	}
}

// heldBy is why the release is not started yet, for the records; empty: nothing holds it.
func (l *Loop) heldBy() string {
	if !l.starting.held {
		return ""
	}
	return "service " + strings.Join(l.holding(), ", ") + " is not ready yet"
}
