package cli

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise/control"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// remoteShell is a call on the release of this node, by the same facts as it was started.
type remoteShell struct {
	node *node.Setup
	in   release.Inputs
	cmd  release.Command
	at   netip.AddrPort // where it answers
	name string         // of the node that asks, before the @
}

// newRemoteShell finds the release of the image in root. The name of a node that runs is what
// its kernel says: the configuration may have had to ask a program for it.
func newRemoteShell(root, line string) (*remoteShell, error) {
	v := &remoteShell{node: node.LoadSetup(root, line)}
	n := v.node
	var name unix.Utsname
	if root == "/" && unix.Uname(&name) == nil {
		n.Config.Node.Hostname = unix.ByteSliceToString(name.Nodename[:])
	}
	n.FindRelease()
	if n.Failed == nil {
		n.FindUser()
	}
	if n.Failed != nil {
		return nil, n.Failed
	}
	v.in = n.Inputs(1)
	v.cmd = n.Release.Command(v.in)
	v.cmd.InTmp(release.Root(root))
	return v, nil
}

// reachWait is how long a release that says nothing is waited for: who asks for a shell wants
// one on a busy node too, where the health of the release would be a miss by then.
const reachWait = 5 * time.Second

// connect makes sure that the release answers, and that whoever asks can have its cookie.
func (v *remoteShell) connect() error {
	user, uid := v.node.User, uint32(os.Geteuid())
	if uid != 0 && (user == nil || uid != user.UID) {
		name := "root"
		if user != nil {
			name += " or " + user.Name + ", the user of the release"
		}
		return errors.New("only " + name + ", can have its cookie")
	}
	if v.cmd.Unprobed != "" {
		return errors.New("the release cannot be reached: " + v.cmd.Unprobed)
	}
	name, err := claimName()
	if err != nil {
		return err
	}
	v.name = name
	w := v.node.Watch(node.MeshOf(&v.cmd))
	// Another name than the shell's: the VM may not have noticed the end of this handshake
	// when that of the shell begins.
	_, host, _ := strings.Cut(w.Node, "@")
	w.Node = name + "-first@" + host
	w.Limit = max(w.Limit, reachWait)
	answer, at := w.Reach()
	if answer != cluster.Answered {
		return errors.New(unanswered(answer) + at.String() + v.state())
	}
	v.at = at
	_, err = v.node.Image.Read(v.cookieFile())
	return err
}

// unanswered says what came in place of an answer; an address goes behind it.
func unanswered(a cluster.Answer) string {
	switch a {
	case cluster.Refused:
		return "nothing listens on "
	case cluster.Silent:
		return "no answer from "
	}
	return "no Erlang node answers on "
}

// state is what PID 1 says about the release, for root.
func (v *remoteShell) state() string {
	conn, err := control.Dial(node.ControlPath)
	if err != nil {
		return ""
	}
	defer conn.Close()
	answer, err := conn.Ask(control.Status, "", answerWait)
	r, ok := health.Decode([]byte(answer.Text))
	switch {
	case err != nil:
		return "; " + node.ControlPath + ": " + err.Error()
	case !ok:
		return ""
	case r.Why != "":
		return "; state=" + string(r.State) + ", " + r.Why
	}
	return "; state=" + string(r.State)
}

func (v *remoteShell) cookieFile() string { return v.cmd.Home() + "/.erlang.cookie" }

// run runs a shell of the release, with the rights of the release, and gives its exit
// status. terminal: it has one, and is typed to.
func (v *remoteShell) run(first, last []string, terminal bool) (status int, err error) {
	// A file without a name: there is none to remove, and /run may be full.
	fd, err := unix.MemfdCreate("inetrc", unix.MFD_CLOEXEC)
	if err != nil {
		return 0, errors.New("memfd_create: " + err.Error())
	}
	defer unix.Close(fd)
	_, host, _ := strings.Cut(v.cmd.Node, "@")
	unix.Write(fd, []byte(release.Inetrc(host, v.at.Addr())))
	r := v.node.Release
	shell := release.RemoteShell{
		Name: v.name, Inetrc: "/proc/self/fd/3", // behind its first three
		Env: node.TerminalEnv("/", os.Getenv("TERM")),
	}
	argv, env, err := r.RemoteShellCommand(release.Root("/"), &v.in, &v.cmd, shell, first, last)
	if err != nil {
		return 0, err
	}
	s, err := v.start(launch.Command{Path: r.ERTSDir + "/bin/erlexec", Argv: argv, Env: env, Dir: v.cmd.Dir}, terminal, fd)
	if err != nil {
		return 0, err
	}
	return s.run(), nil
}
