package children

import (
	"os"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/supervise/datagram"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/notify"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Notice says that something lies in the socket of a service.
type Notice struct {
	from *Entry
	fd   int
	said *datagram.Datagram // nil: it lies there
}

// notices is the way of all of them to the loop.
type notices struct {
	arrived chan Notice
	taken   chan struct{} // the loop has dealt with one
}

// Notices are what services say, for Take.
func (t *Table) Notices() <-chan Notice { return t.said.arrived }

// listenTo makes the socket on which a service says that it is ready, its user's own, and
// gives its path for NOTIFY_SOCKET. Like that of the release it is kept when PID 1 executes
// itself anew.
func (t *Table) listenTo(c *Entry, cmd *launch.Command) error {
	path := notify.Socket + "." + c.Name
	if fd := int(c.notices.Load()); fd > 0 {
		datagram.Grant(path, cmd.UID(), 0o600)
	} else {
		fd, err := datagram.Listen(path, cmd.UID(), 0o600)
		if err != nil {
			return err
		}
		t.followNotices(fd, c)
	}
	cmd.Env = launch.WithEnv(cmd.Env, "NOTIFY_SOCKET="+path)
	return nil
}

// followNotices has the socket of a service looked at.
func (t *Table) followNotices(fd int, c *Entry) {
	unix.SetNonblock(fd, true)
	c.notices.Store(int32(fd))
	go t.readNotices(os.NewFile(uintptr(fd), c.Name), Notice{from: c, fd: fd})
}

// readNotices tells the loop that something was said, and leaves it in the socket until
// the loop has taken it: what it had in hand when PID 1 fell would be lost. The runtime's
// poller waits for it, so no thread does.
func (t *Table) readNotices(in *os.File, n Notice) {
	defer t.Guard()
	defer in.Close()
	raw, err := in.SyscallConn()
	for err == nil {
		err = raw.Read(func(fd uintptr) bool {
			var b [1]byte
			_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
			return err != unix.EAGAIN && err != unix.EINTR
		})
		fault.At("notices")
		n.said = datagram.TakeWithFiles(n.fd, notify.MaxMessage)
		t.said.arrived <- n
		<-t.said.taken
		time.Sleep(datagram.Pace) // who floods it is slowed down, and PID 1 is not
	}
}

// Take hears one message of a service.
func (t *Table) Take(n Notice) {
	d := n.said
	if d == nil {
		d = datagram.TakeWithoutFiles(n.fd, notify.MaxMessage)
	}
	if d != nil && notify.Parse(d.Text).Ready {
		t.Step(n.from, policy.ChildEvent{Kind: policy.ChildNotified, PID: d.From.Speaker(n.from.State.PID)})
	}
	t.said.taken <- struct{}{}
}

// noteReady says it when a service is ready, or its time to be is over.
func (t *Table) noteReady(c *Entry) {
	ready, tardy := c.State.Ready, c.State.Tardy
	if ready && !c.wasReady && c.Policy.Ready != policy.ReadyStarted {
		t.Console.Say(health.Notice, c.title()+" is ready")
	}
	if tardy && !c.wasTardy {
		text := c.title() + " is not ready"
		if c.State.PID != 0 || !c.State.Done {
			text += " after " + c.Policy.ReadyTimeout.String()
		}
		if c.Early && !t.State.Ran {
			text += "; the release is started without it"
		}
		t.Console.Say(health.Err, text)
	}
	changed := tardy != c.wasTardy
	c.wasReady, c.wasTardy = ready, tardy
	if changed {
		t.OnChange()
	}
	t.OnReady()
}

// Holding are the services that the first start of the release waits for: each until it is
// ready, or has had its time.
func (t *Table) Holding() (names []string) {
	if t.State.Ran {
		return nil
	}
	for _, c := range t.entries {
		if c.Service && c.Early && c.State.Wanted && !c.State.Ready && !c.State.Tardy {
			names = append(names, c.Name)
		}
	}
	return names
}
