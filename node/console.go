package node

import (
	"errors"
	"strings"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// openTerminal gives the pty behind which console.tty lies: that of the PID 1 before this one, or
// another. Without one, nil, the release is started as without a tty.
func (n *node) openTerminal() *console.Terminal {
	if r := n.resume; r != nil && r.Terminal != nil {
		n.TTY = true
		return r.Terminal
	}
	n.TTY = false
	if n.Config.Console.TTY == "" {
		return nil
	}
	if !n.resumes() {
		n.mountLate() // /dev/pts
	}
	t, err := console.Open()
	if err != nil {
		n.console.Say(health.Err, "console.tty: "+err.Error()+"; the release has no shell, what it says is on the kernel's console")
		return nil
	}
	n.TTY = true
	return t
}

// relayCommand is the relay between the pty and the tty.
func (n *Setup) relayCommand() launch.Command {
	c := &n.Config.Console
	// It is root only to open the tty, again and again: of what root can do it keeps the
	// tty, or /dev as long as that is not there, and a way to say so.
	box := launch.Sandbox{Read: []string{"/proc"}, Write: []string{c.Path(), "/dev/kmsg"}}
	if unix.Access(c.Path(), unix.F_OK) != nil {
		box.Write[0] = "/dev"
	}
	return launch.Command{
		Path: "/proc/self/exe", Argv: []string{console.RelayName, c.Path(), c.Options}, Env: []string{}, Dir: "/",
		Bounds: launch.Own(nil, box, "sys_admin"), // for closing_wait (TIOCSSERIAL) of a port that is full
	}
}

// terminals are those that are enough for a shell with line editing, the kernel's own
// first. The shell only moves the cursor, in words that all of them and every terminal
// program have in common, so any of them will do.
var terminals = [...]string{"linux", "vt220", "vt102", "vt100", "xterm"}

// terminalEnv is TERM for the release's tty, and TERMINFO where it wants one; empty: it has no
// tty. It is one that the image describes, else the one that this program brings with it.
// A TERM of the configuration is left as it is, and a problem where nothing describes it.
func (n *Setup) terminalEnv() (term, info string, problem error) {
	if n.Config.Console.TTY == "" || !n.TTY {
		return "", "", nil
	}
	elsewhere := false // the descriptions lie in a place of their own
	for _, v := range n.Config.Release.Env {
		switch name, value, _ := strings.Cut(v, "="); name {
		case "TERM":
			term = value
		case "TERMINFO", "TERMINFO_DIRS":
			elsewhere = true
		}
	}
	root := n.Image.Root
	switch {
	case term == "" && elsewhere:
		return terminals[0], "", nil
	case elsewhere, term != "" && described(root, term):
		return term, "", nil
	case term != "":
		where := term[:1] + "/" + term
		return term, "", errors.New("console.tty: the image has no description of the terminal " + term +
			" (" + descriptions[1] + where + " or " + descriptions[2] + where + "): the shell has no line editing; " +
			"want that file, or no TERM in release.env")
	}
	for _, term := range terminals {
		if described(root, term) {
			return term, "", nil
		}
	}
	return ownTerminal, OwnDescription, nil
}
