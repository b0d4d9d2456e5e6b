package main

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/notify"
	"golang.org/x/sys/unix"
)

// findRelease looks for the release; without one the node goes to rescue.
func (n *node) findRelease() {
	n.lookForRelease()
	if n.failed != nil {
		n.say(health.Err, n.failed)
		return
	}
	n.say(health.Err, n.release.Problems...)
	n.findUser()
	n.say(health.Err, n.failedUser()...)
}

// findUser looks up whom the release is to run as. A user that is not there is no
// reason to run it as root: the node goes to rescue.
func (n *node) findUser() {
	u, err := release.FindUser(n.config.Release.User, n.read)
	if group := n.config.Release.Group; err == nil && group != "" {
		if u, err = u.InGroup(group, n.read); err != nil {
			n.failed = errors.New(n.config.Problem("release.group", err.Error(),
				"a name that is in "+release.GroupPath+" of the image, or a number", "none: the release is not started").String())
			return
		}
	}
	if err != nil {
		n.failed = errors.New(n.config.Problem("release.user", err.Error(),
			"a name that is in "+release.PasswdPath+" of the image, or a number", "none: the release is not started").String())
	}
	n.user = u
}

// failedUser is the error of findUser, if it had one.
func (n *node) failedUser() []error {
	if n.failed == nil {
		return nil
	}
	return []error{n.failed}
}

// command is what starts the release, computed from what is there now: the
// cookie may have been written since the last time.
func (n *node) command(run int) release.Command {
	cmd := n.release.Command(n.inputs(run))
	if _, _, undescribed := n.term(); undescribed != nil {
		cmd.Problems = append(cmd.Problems, undescribed)
	}
	return cmd
}

func (n *node) inputs(run int) release.Inputs {
	c := n.config
	in := release.Inputs{
		Release: c.Release, Distribution: n.distribution(), Hostname: c.Node.Hostname,
		Inetrc: inetrcPath, StopTimeout: c.Supervise.StopTimeout, User: n.user,
		Heart: c.Watchdog.Criterion == config.ByHeart, WhoseHeart: n.whoseHeart,
		IPv6: onlyIPv6(c),
	}
	in.Notify, in.NoDestroy = notify.Socket, n.uncuttable
	from, _ := c.Origin("distribution.names")
	in.DefaultNames, in.Erlinit = from == config.BuiltIn, c.DropIn()
	from, _ = c.Origin("distribution.port")
	self := self(c)
	in.DefaultPort = from == config.BuiltIn && (self < 0 || c.Peers[self].Port == 0)
	in.HomeCookie = n.homeCookie()
	in.Term, in.Terminfo, _ = n.term()
	d := n.dumps()
	in.Dump, in.DumpBytes, in.DumpSeconds = d.Dump(evidence.Run(n.boot, run)), d.Bytes, d.Seconds
	in.Domain = c.Domain()
	for _, p := range c.Peers {
		in.Peers = append(in.Peers, p.Name)
	}
	if cookie, err := n.read(c.Distribution.CookieFile); err == nil {
		in.Cookie = cookie
	}
	return in
}

// ready is what makes the release ready (health.ready). One that nobody can ask cannot
// answer either: it says so itself.
func (n *node) ready() string {
	if n.unprobed && n.config.Health.Ready == config.Listening {
		return config.Started
	}
	return n.config.Health.Ready
}

// maxCookie is more than a cookie can have, in bytes.
const maxCookie = 1 << 10

// homeCookie is the cookie in the HOME that release.env names, which an earlier VM may
// have made; nil: there is none.
func (n *node) homeCookie() []byte {
	for _, v := range n.config.Release.Env {
		if home, is := strings.CutPrefix(v, "HOME="); is {
			cookie, err := release.Root(n.root).Read(home+"/.erlang.cookie", maxCookie)
			if err != nil {
				return nil
			}
			return cookie
		}
	}
	return nil
}

// prepare makes everything ready for a start of the release. What there is to say
// about it is said at the first start only.
func (n *node) prepare(run int, asked bool) (supervise.Program, error) {
	if n.failed != nil { // it was asked for all the same, or PID 1 fell: look again
		n.lookForRelease()
		if n.failed == nil {
			n.findUser()
		}
		if n.failed != nil {
			return supervise.Program{}, n.failed
		}
	}
	if !n.prepared && !cluster.CanDestroy() {
		n.uncuttable = true
		n.console.Say(health.Notice, "the kernel cannot end a dead connection (CONFIG_INET_DIAG_DESTROY): the VM finds out by keepalive, within 9 s")
	}
	cmd := n.command(run)
	n.name = cmd.Node
	cmd.Files = append(cmd.Files, release.File{Path: inetrcPath, Mode: 0o644, Content: n.inetrc()})
	err := n.lacks(&cmd)
	if err == nil {
		err = cmd.Prepare()
	}
	if !n.prepared {
		n.prepared = true
		n.say(health.Err, cmd.Problems...)
		for _, note := range cmd.Notes {
			n.console.Say(health.Notice, note)
		}
	}
	p := supervise.Program{Path: cmd.Path, Argv: cmd.Argv, Env: cmd.Env, Dir: cmd.Dir, Heart: cmd.Heart, TTY: cmd.TTY}
	p.Notify = 0o600
	if len(n.config.Release.Wrapper) > 0 { // it may become another user
		p.Notify = 0o666
	}
	if u := cmd.User; u != nil {
		p.User, p.Bound = &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}, true
	}
	if dir := n.config.Release.WorkingDirectory; dir != "" && unix.Stat(dir+"/.", &unix.Stat_t{}) != nil {
		p.Dir = n.release.Root
		n.console.Say(health.Err, n.config.Problem("release.working_directory", dir+" is no directory", "one that is there when the release is started", p.Dir).String())
	}
	var ended []string
	if !asked && (n.started || n.adopts()) { // since its last start
		ended = n.config.Release.RunOnExit
	}
	n.started = n.started || err == nil
	bound := bounded(p, &n.config.Release, cmd.User, ended, n.config.Release.PreRun)
	if cmd.Daemon {
		bound.With = epmd(n.release, p)
	}
	return bound, err
}

// nodeName is the name of the Erlang node, as far as it is known: that of the last
// start of the release, or what the first one will give it.
func (n *node) nodeName() string {
	if n.config == nil {
		return "?"
	}
	if n.name == "" && n.release != nil {
		n.name = n.command(1).Node
	}
	if n.name == "" {
		n.name = n.config.Distribution.Name
		if n.name == "" {
			n.name = "beaminit"
		}
		n.name += "@" + n.config.Node.Hostname
	}
	return n.name
}

// planRelease says how the release would be started, with every file that would
// be written and none of its secrets.
func (n *node) planRelease() (plan []section, problems []error) {
	n.lookForRelease()
	if n.failed != nil {
		return nil, []error{n.failed}
	}
	n.findUser()
	problems = append(problems, n.failedUser()...)
	r := n.release
	cmd := n.command(1)
	cookie := []string{"none: the VM will make a random one"}
	problems = append(problems, r.Problems...)
	for _, p := range cmd.Problems {
		var none release.NoCookie
		if errors.As(p, &none) && n.mountedLater(none.File) {
			cookie = []string{"in " + none.File + ", on a file system that is mounted at boot"}
			continue
		}
		problems = append(problems, p)
	}
	for _, err := range [...]error{cmd.Refused, n.lacks(&cmd), n.checkCertificate(cmd.Node)} {
		if err != nil {
			problems = append(problems, err)
		}
	}
	problems = append(problems, r.Check(release.Root(n.root), &cmd, n.config.Node.Hostname)...)
	if cmd.Cookie != "" {
		cookie = []string{"fingerprint " + cmd.Cookie + ", from " + cmd.CookieFrom}
		if file := n.config.Distribution.CookieFile; file != cmd.CookieFrom && n.mountedLater(file) {
			cookie[0] = "in " + file + ", if it is there when the file systems are mounted; else " + cookie[0]
		}
	}
	plan = []section{
		{"release", append(r.Why, cmd.Notes...)},
		{"node", []string{nodeLine(&cmd)}},
		{"user", []string{cmd.User.String()}},
		{"cookie", cookie},
		{"command", append([]string{cmd.Path}, flagLines(cmd.Argv[1:])...)},
		{"environment", shown(cmd.Env)},
	}
	if c := &n.config.Console; cmd.TTY {
		on := "the release's shell is on " + c.Path()
		if c.Options != "" {
			on += ", " + c.Options
		}
		plan = append(plan, section{"console", []string{on + "; health and all else are on the kernel's console"}})
	}
	if dir := n.config.Release.WorkingDirectory; dir != "" {
		plan = append(plan, section{"working directory", []string{dir}})
	}
	if cmd.Daemon {
		plan = append(plan, section{"beside it, with the same environment", []string{r.ERTSDir + "/bin/epmd"}})
	}
	for _, f := range cmd.Files {
		text := lines(f.Content)
		if f.Secret {
			text = []string{"(not shown)"}
		}
		plan = append(plan, section{f.Path + " (mode " + fs.FileMode(f.Mode).String() + ")", text})
	}
	return plan, problems
}

// nodeLine is the name of the node for a plan.
func nodeLine(c *release.Command) string {
	if c.Unprobed != "" {
		return c.Node + "; not probed: " + c.Unprobed
	}
	return c.Node
}

// shown is an environment without what is secret, and without the one value that is
// nothing for people.
func shown(env []string) []string {
	list := append([]string(nil), env...)
	for i, v := range list {
		if name, _, _ := strings.Cut(v, "="); strings.HasSuffix(name, "_COOKIE") {
			list[i] = name + "=(not shown)"
		}
		if v == "TERMINFO="+ownDescription {
			list[i] = "TERMINFO=b64:… (beaminit's own)"
		}
	}
	return list
}

// flagLines puts the arguments of erl(1) a flag a line, with its values behind it.
func flagLines(args []string) (lines []string) {
	for _, a := range args {
		if flag := strings.HasPrefix(a, "-") || strings.HasPrefix(a, "+"); flag || len(lines) == 0 {
			lines = append(lines, a)
		} else {
			lines[len(lines)-1] += " " + a
		}
	}
	return lines
}

// mountedLater says that a file of the image that is planned for lies where the node
// will have a [[mount]]: it cannot be seen here, and its absence is no problem.
func (n *node) mountedLater(file string) bool {
	if n.root == "" || n.root == "/" {
		return false
	}
	for _, m := range n.config.Mounts {
		if strings.HasPrefix(file, strings.TrimSuffix(m.Target, "/")+"/") {
			return true
		}
	}
	return false
}

func (n *node) lookForRelease() {
	n.release, n.failed = release.Find(release.Root(n.root), n.config.Release)
	if n.failed == nil && n.config.FromErlinit() && !n.release.Mix {
		n.release.FindConsolidated(release.Root(n.root))
	}
	if n.failed == nil && n.config.Console.TTY != "" {
		n.release.FindIEx(release.Root(n.root))
	}
	if n.failed == nil {
		cmd := n.release.Command(n.inputs(1))
		n.unprobed, n.unnamed = cmd.Unprobed != "", cmd.Unnamed
	}
}
