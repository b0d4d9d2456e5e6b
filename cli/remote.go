package cli

import (
	"os"

	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/release"
	"golang.org/x/sys/unix"
)

// What is said before a shell begins: the usual ways out of one end the release.
const (
	leaveErlang = "Ctrl-G q leaves this shell; q() and init:stop() end the release"
	leaveIEx    = "Ctrl-C Ctrl-C leaves this shell; System.stop() ends the release"
)

// Remote opens a remote shell of the release: IEx where the release has it, else Erlang's.
// The shell has the rights of the release and a terminal of its own (session).
func Remote(args []string) int {
	for _, a := range args[1:] {
		if a == "--print" {
			return printRemote(args)
		}
	}
	if len(args) > 1 {
		return noRemote("no option " + args[1] + "; want --print, or none")
	}
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err != nil {
		return noRemote("standard input is no terminal; want one, as ssh -t makes it. beaminit rpc needs none")
	}
	v, err := newRemoteShell("/", node.Cmdline())
	if err == nil {
		err = v.connect()
	}
	if err == nil {
		err = v.checkCookie()
	}
	if err != nil {
		return noRemote(err.Error())
	}
	leave, first := leaveErlang, []string(nil)
	last := []string{"-remsh", v.cmd.Node}
	if flags, extra, ok := v.node.Release.IEx(release.Root("/")); ok {
		leave, first = leaveIEx, flags
		last = append(append([]string{"-extra"}, extra...), "--remsh", v.cmd.Node)
	}
	say("beaminit: " + v.cmd.Node + ": " + leave)
	status, err := v.run(first, last, true)
	if err != nil {
		return noRemote(err.Error())
	}
	return status
}

func noRemote(why string) int { return complain("remote", why) }

// printRemote prints the line that does the same on another machine of the network, to
// standard output, and what it needs there, to standard error.
func printRemote(args []string) int {
	var rest []string
	for _, a := range args {
		if a != "--print" {
			rest = append(rest, a)
		}
	}
	o, err := parseOptions(rest)
	if err != nil {
		return noRemote(err.Error() + ", beside --print")
	}
	v, err := newRemoteShell(o.root, o.cmdline)
	if err != nil {
		return noRemote(err.Error())
	}
	if v.cmd.Unprobed != "" {
		return noRemote("the release cannot be reached: " + v.cmd.Unprobed)
	}
	_, _, iex := v.node.Release.IEx(v.node.Image.Root)
	line, needs := v.cmd.RemoteShellLine(v.in.Distribution.Port, v.node.OwnAddress(), iex)
	leave := leaveErlang
	if iex {
		leave = leaveIEx
	}
	for _, need := range append(needs, leave) {
		os.Stderr.WriteString("# " + need + "\n")
	}
	say(line)
	return exitOK
}
