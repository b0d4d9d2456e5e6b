package main

import (
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"unsafe"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/console"
	"golang.org/x/sys/unix"
)

// openTerminal gives the release the pty behind which console.tty lies, where there is
// one: that of the PID 1 before this one, or another. Without a pty the release is
// started as without a tty.
func (n *node) openTerminal() {
	if n.resume != nil {
		n.terminal = n.resume.Terminal
	}
	if n.terminal != nil || n.config.Console.TTY == "" {
		return
	}
	if !n.adopts() {
		n.mountLate() // /dev/pts
	}
	t, err := console.Open()
	if err != nil {
		n.console.Say(health.Err, "console.tty: "+err.Error()+"; the release has no shell, what it says is on the kernel's console")
		return
	}
	n.terminal = t
}

// relayProgram is the relay between the pty and the tty.
func (n *node) relayProgram() supervise.Program {
	c := &n.config.Console
	return supervise.Program{Path: "/proc/self/exe", Argv: []string{console.RelayName, c.Path(), c.Options}, Env: []string{}, Dir: "/"}
}

// relay is that child of PID 1: descriptor 0 is the pty, 1 is where the last output is
// kept. It is root, because it has to open the tty, again and again; it understands
// nothing of what it carries.
func relay(args []string) int {
	if len(args) != 3 {
		os.Stderr.WriteString(console.RelayName + ": is for PID 1 to start\n")
		return 2
	}
	unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&[]byte(console.RelayName + "\x00")[0])), 0, 0, 0) // not "exe"
	debug.SetGCPercent(10)
	options, _ := config.ParseTTYOptions(args[2])
	out := health.NewConsole()
	out.Open("/dev/kmsg")
	r := console.Relay{Path: args[1], Options: options, Master: 0, Ring: 1, Say: func(line string) { out.Say(health.Warning, line) }}
	r.Run()
	return 1
}

// terminals are those that are enough for a shell with line editing, the kernel's own
// first. The shell only moves the cursor, in words that all of them and every terminal
// program have in common, so any of them will do.
var terminals = [...]string{"linux", "vt220", "vt102", "vt100", "xterm"}

// term is TERM for the release's tty, and TERMINFO where it wants one; empty: it has no
// tty. It is one that the image describes, else the one that this program brings with it.
// A TERM of the configuration is left as it is, and a problem where nothing describes it.
func (n *node) term() (term, info string, problem error) {
	if n.config.Console.TTY == "" || n.terminal == nil && n.root == "" {
		return "", "", nil
	}
	elsewhere := false // the descriptions lie in a place of their own
	for _, v := range n.config.Release.Env {
		switch name, value, _ := strings.Cut(v, "="); name {
		case "TERM":
			term = value
		case "TERMINFO", "TERMINFO_DIRS":
			elsewhere = true
		}
	}
	root := release.Root(n.root)
	switch {
	case term == "" && elsewhere:
		return terminals[0], "", nil
	case elsewhere, term != "" && described(root, term):
		return term, "", nil
	case term != "":
		where := term[:1] + "/" + term
		return term, "", errors.New("console.tty: the image has no description of the terminal " + term + " (" + descriptions[1] + where + " or " +
			descriptions[2] + where + "): the shell has no line editing; want that file, or no TERM in release.env")
	}
	for _, term := range terminals {
		if described(root, term) {
			return term, "", nil
		}
	}
	return ownTerminal, ownDescription, nil
}
