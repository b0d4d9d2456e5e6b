package cli

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/release"
)

// planRelease says how the release would be started, with every file that would
// be written and none of its secrets. notes are what of it has no effect.
func planRelease(n *node.Setup) (plan []section, notes []string, problems []error) {
	n.FindRelease()
	if n.Failed != nil {
		return nil, nil, []error{n.Failed}
	}
	n.FindUser()
	if n.Failed != nil {
		problems = append(problems, n.Failed)
	}
	r := n.Release
	cmd := n.Command(1)
	cookie, wrong := planCookie(n, &cmd)
	problems = append(append(problems, r.Problems...), wrong...)
	for _, err := range [...]error{cmd.Refused, n.TLSProblem(&cmd), n.CheckCertificate(cmd.Node)} {
		if err != nil {
			problems = append(problems, err)
		}
	}
	problems = append(problems, r.Check(n.Image.Root, &cmd, n.Config.Node.Hostname)...)
	plan = []section{
		{"release", append(r.Why, cmd.Notes...)},
		{"node", []string{nodeLine(&cmd)}},
		{"user", []string{cmd.User.String()}},
		{"cookie", []string{cookie}},
		{"command", append([]string{cmd.Path}, flagLines(cmd.Argv[1:])...)},
		{"environment", shown(cmd.Env)},
	}
	if c := &n.Config.Console; cmd.TTY {
		on := "the release's shell is on " + c.Path()
		if c.Options != "" {
			on += ", " + c.Options
		}
		plan = append(plan, section{"console", []string{on + "; health and all else are on the kernel's console"}})
	}
	if dir := n.Config.Release.WorkingDirectory; dir != "" {
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
	return plan, cmd.Notes, problems
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
