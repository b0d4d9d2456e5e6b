package cli

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// How long a function may take where nobody says it, in seconds, and how much of a
// result is kept, in bytes.
const (
	callLimit = 30
	callSize  = 64 << 20
)

// RPC calls a function of the release and prints what it gives. Exit status 1 where it
// gives none but a reason, 2 where it cannot be called.
func RPC(args []string) int {
	limit := callLimit
	words := args[1:]
	if len(words) > 1 && words[0] == "-t" {
		n, err := strconv.Atoi(words[1])
		if err != nil || n < 0 || n > 1<<20 {
			return noCall("-t " + words[1] + ": want seconds, 0 for no limit")
		}
		limit, words = n, words[2:]
	}
	if len(words) < 2 || len(words) > 3 || words[0] == "" || words[0][0] == '-' {
		return noCall("want [-t SEC] MODULE FUNCTION [ARGS], such as lists reverse '[[1,2]]'")
	}
	list := "[]"
	if len(words) == 3 {
		list = strings.TrimSpace(words[2])
	}
	if list == "" || list[0] != '[' {
		return noCall(list + ": want an Erlang list of arguments, such as '[]' or '[[1,2]]'")
	}
	v, err := newRemoteShell("/", node.Cmdline())
	if err == nil {
		err = v.connect()
	}
	if err != nil {
		return noCall(err.Error())
	}
	text := release.Call(words[0], words[1], list)
	if path := v.node.Release.FindErlCall(release.Root("/"), &v.cmd); path != "" && v.at.Addr().Is4() {
		return v.erlCall(path, text, limit)
	}
	status, err := v.run(nil, release.CallFlags("beaminit rpc", v.cmd.Node, text, limit), false)
	if err != nil {
		return noCall(err.Error())
	}
	return status
}

func noCall(why string) int { return failCall(exitUnable, why) }

func failCall(status int, why string) int {
	newPrinted(os.Stderr).Write([]byte("beaminit rpc: " + strings.TrimSpace(why) + "\n"))
	return status
}

// erlCall makes the call by erl_call, which takes milliseconds; a VM, the better part of
// a second.
func (v *remoteShell) erlCall(path, text string, limit int) int {
	out, status, late, err := v.runErlCall(path, release.ErlCallInput(text), limit)
	printed, result, failed, ok := release.ParseErlCall(out)
	said := strings.TrimSpace(string(out))
	switch {
	case err != nil:
		return noCall(path + ": " + err.Error())
	case late:
		return failCall(exitFailed, "no result within "+strconv.Itoa(limit)+" s; it may still come to one")
	case ok && failed:
		out := newPrinted(os.Stdout)
		out.Write(printed)
		return failCall(exitFailed, string(result))
	case ok:
		out := newPrinted(os.Stdout)
		out.Write(printed)
		out.Write(result)
		return exitOK
	case strings.HasPrefix(said, "{error, "): // of the text of the arguments
		return noCall(strings.Trim(said, "{}"))
	case strings.Contains(said, "evaluating input failed"):
		return failCall(exitFailed, v.cmd.Node+" went away before there was a result")
	case refusedCookie(said, status):
		return noCall(v.refusedCookie())
	}
	return noCall(path + " failed: " + said[:min(len(said), 1000)])
}

// refusedCookie says whether erl_call was not let in by a node that answers.
func refusedCookie(said string, status unix.WaitStatus) bool {
	return status.ExitStatus() == 1 && strings.Contains(said, "connect")
}

func (v *remoteShell) refusedCookie() string {
	return v.cmd.Node + " does not let us in: it has another cookie than " + v.cookieFile() + " now"
}

// checkCookie finds out whether the node takes the cookie, as far as erl_call can tell: a shell
// would only say that it could not be started.
func (v *remoteShell) checkCookie() error {
	path := v.node.Release.FindErlCall(release.Root("/"), &v.cmd)
	if path == "" || !v.at.Addr().Is4() {
		return nil
	}
	question := release.ErlCallInput(release.Call("erlang", "node", "[]"))
	out, status, late, err := v.runErlCall(path, question, callLimit)
	if err == nil && !late && refusedCookie(string(out), status) {
		return errors.New(v.refusedCookie())
	}
	return nil
}

// runErlCall runs erl_call as the user of the release. The text comes from a file without
// a name, so that nobody has to wait until it is read.
func (v *remoteShell) runErlCall(path, text string, limit int) (out []byte, status unix.WaitStatus, late bool, err error) {
	in, err := unix.MemfdCreate("call", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, 0, false, err
	}
	unix.Write(in, []byte(text))
	unix.Seek(in, 0, 0)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, 0, false, err
	}
	unix.SetNonblock(pipe[1], false)
	c := launch.Command{
		Path: path,
		Argv: []string{
			"erl_call", "-address", v.at.String(),
			"-h", v.name + "-call", // not the shell's that may follow; -r gives two at once the same name now and then
			"-e", "-fetch_stdout",
		},
		Dir: "/", Env: v.cmd.Env, Bounds: v.node.RemoteBounds(),
	}
	pid, err := c.Spawn(2, in, pipe[1], pipe[1])
	unix.Close(pipe[1])
	if err != nil {
		return nil, 0, false, err
	}
	if limit == 0 {
		limit = 1 << 20
	}
	status, late, _ = node.DrainChild(pid, pipe[0], time.Duration(limit)*time.Second, func(b []byte) {
		out = append(out, b[:min(len(b), callSize-len(out))]...)
	})
	return out, status, late, nil
}
