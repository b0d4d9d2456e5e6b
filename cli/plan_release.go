package cli

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/release"
)

// addRelease adds how the release would be started, with every file that would be written
// and none of its secrets.
func (p *bootPlan) addRelease(n *node.Setup) {
	n.FindRelease()
	if n.Failed != nil {
		p.problem(n.Failed)
		return
	}
	n.FindUser()
	if n.Failed != nil {
		p.problem(n.Failed)
	}
	r := n.Release
	cmd := n.Command(1)
	p.release = cmd.Notes
	cookie, problems := planCookie(n, &cmd)
	p.problem(r.Problems...)
	p.problem(problems...)
	for _, err := range [...]error{cmd.Refused, n.TLSProblem(&cmd), n.CheckCertificate(cmd.Node)} {
		if err != nil {
			p.problem(err)
		}
	}
	p.problem(r.Check(n.Image.Root, &cmd, n.Config.Node.Hostname)...)
	p.add(
		section{"release", append(r.Why, cmd.Notes...)},
		section{"node", []string{nodeLine(&cmd)}},
		section{"user", []string{cmd.User.String()}},
		section{"cookie", []string{cookie}},
		section{"command", append([]string{cmd.Path}, flagLines(cmd.Argv[1:])...)},
		section{"environment", shown(cmd.Env)},
	)
	if c := &n.Config.Console; cmd.TTY {
		on := "the release's shell is on " + c.Path()
		if c.Options != "" {
			on += ", " + c.Options
		}
		p.add(section{"console", []string{on + "; health and all else are on the kernel's console"}})
	}
	if dir := n.Config.Release.WorkingDirectory; dir != "" {
		p.add(section{"working directory", []string{dir}})
	}
	if cmd.Daemon {
		p.add(section{"beside it, with the same environment", []string{r.ERTSDir + "/bin/epmd"}})
	}
	for _, f := range cmd.Files {
		text := lines(f.Content)
		if f.Secret {
			text = []string{"(not shown)"}
		}
		p.add(section{f.Path + " (mode " + fs.FileMode(f.Mode).String() + ")", text})
	}
}

// planCookie says where the cookie comes from. That a file of it is not there is no problem
// where its file system is mounted at boot.
func planCookie(n *node.Setup, cmd *release.Command) (from string, problems []error) {
	from = "none: the VM will make a random one"
	for _, p := range cmd.Problems {
		var none release.NoCookie
		if errors.As(p, &none) && n.Image.MountedLater(none.File) {
			from = "in " + none.File + ", on a file system that is mounted at boot"
			continue
		}
		problems = append(problems, p)
	}
	if cmd.CookieFrom == "" {
		return from, problems
	}
	from = "fingerprint " + cmd.Fingerprint() + ", from " + cmd.CookieFrom
	if file := n.Config.Distribution.CookieFile; file != cmd.CookieFrom && n.Image.MountedLater(file) {
		from = "in " + file + ", if it is there when the file systems are mounted; else " + from
	}
	return from, problems
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
		if v == "TERMINFO="+node.OwnDescription {
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
