package supervise

import (
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// relayChild stands between the release's pty and the tty, where there is to be one; PID 1
// itself has nothing to do with either (package console). It goes on until the release
// has said its last word.
func (l *Loop) relayChild() children.Child {
	return children.Child{
		Name: "relay", Title: "the relay of console.tty", Policy: everySecond,
		Wanted: func(s *policy.State) bool { return s.Phase != policy.Ending || s.PID != 0 },
		Command: func() (*launch.Command, error) {
			c := l.Relay()
			return &c, nil
		},
		Files: func() (children.Files, error) {
			ring := l.Terminal.Ring
			if ring < 0 {
				ring = l.null
			}
			return children.Files{Child: []int{l.Terminal.Master, ring, l.output.Write}}, nil
		},
	}
}

// releaseFiles are the release's three descriptors. With a terminal they are that, and the
// release finds it as if nobody had used it before.
func (l *Loop) releaseFiles(r *Release) children.Files {
	in, out := l.null, l.output.Write
	if r.Command.TTY {
		in, out = l.Terminal.Slave, l.Terminal.Slave
		if err := l.Terminal.Renew(); err != nil {
			l.Console.Say(health.Warning, err.Error())
		}
	}
	if u := r.Command.Bounds.User; u != nil { // /dev/stdout, and the terminal, can be opened by its own user only
		unix.Fchown(out, int(u.Uid), int(u.Gid))
	}
	return children.Files{Child: []int{in, out, out}}
}
