package main

import (
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"unsafe"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/console"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
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

// Where the descriptions of terminals lie (terminfo(5), "Fetching Compiled
// Descriptions"), and those that are enough for a shell with line editing, the kernel's
// own first. The shell only moves the cursor, in words that all of them and every
// terminal program have in common, so any of them will do.
var (
	descriptions = [...]string{"/etc/terminfo/", "/lib/terminfo/", "/usr/share/terminfo/", "/usr/lib/terminfo/"}
	terminals    = [...]string{"linux", "vt220", "vt102", "vt100", "xterm"}
)

// term is TERM for the release's tty; empty: it has none. It is one that the image
// describes; where there is none, the shell is without line editing, which is a problem.
func (n *node) term() (term string, problem error) {
	if n.config.Console.TTY == "" || n.terminal == nil && n.root == "" {
		return "", nil
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
	switch {
	case term == "" && elsewhere:
		return terminals[0], nil
	case elsewhere:
		return term, nil
	case term != "":
		return term, n.undescribed(term)
	}
	for _, term := range terminals {
		if n.undescribed(term) == nil {
			return term, nil
		}
	}
	return terminals[0], n.undescribed(terminals[0])
}

// undescribed is the problem of a TERM that the image does not describe.
func (n *node) undescribed(term string) error {
	where := term[:1] + "/" + term
	for _, dir := range descriptions {
		if _, err := release.Root(n.root).Mode(dir + where); err == nil {
			return nil
		}
	}
	return errors.New("console.tty: the image has no description of the terminal " + term + " (" + descriptions[1] + where + " or " +
		descriptions[2] + where + "): the shell has no line editing; want that file, of ncurses-base (Debian) or ncurses-terminfo-base (Yocto)")
}
