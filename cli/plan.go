package cli

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/boot/devices"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/node"
)

// section is one part of a printed plan.
type section struct {
	name  string
	lines []string
}

// options are the arguments of plan and check.
type options struct {
	root    string // where the image lies on this machine
	cmdline string
	json    bool
	all     bool // of plan: what is built in too
}

// parseOptions reads the arguments after the command's name. Without --root the
// parseOptions reads them. Without one the plan is of this machine, and so is the command line.
func parseOptions(args []string) (o options, problem string) {
	o.root = "/"
	given := false
	for i := 1; i < len(args); i++ {
		name, value, has := strings.Cut(args[i], "=")
		switch args[i] {
		case "--json":
			o.json = true
			continue
		case "--all":
			o.all = true
			continue
		}
		if name != "--root" && name != "--cmdline" {
			return o, "no option " + args[i] + "; want --root DIR, --cmdline STR, --all, --json"
		}
		if !has {
			if i++; i == len(args) {
				return o, name + " wants a value"
			}
			value = args[i]
		}
		if name == "--root" {
			o.root, given = value, true
		} else {
			o.cmdline, given = value, true
		}
	}
	if st, err := os.Stat(o.root); err != nil || !st.IsDir() {
		return o, "--root " + o.root + ": no such directory"
	}
	if !given {
		o.cmdline = node.Cmdline()
	}
	return o, ""
}

// Plan prints what a boot would do. It changes nothing and needs no privilege.
func Plan(args []string) int {
	o, problem := parseOptions(args)
	if problem != "" {
		os.Stderr.WriteString("beaminit plan: " + problem + "\n")
		return 2
	}
	sections, _, _ := makePlan(o)
	if o.json {
		os.Stdout.WriteString(planJSON(sections))
	} else {
		os.Stdout.WriteString(planText(sections))
	}
	return 0
}

// Check prints what is wrong; an image build runs it, so that a bad configuration
// stops the build and not a node.
func Check(args []string) int {
	o, problem := parseOptions(args)
	if problem != "" {
		os.Stderr.WriteString("beaminit check: " + problem + "\n")
		return 2
	}
	_, notes, problems := makePlan(o)
	for _, p := range problems {
		os.Stdout.WriteString(p + "\n")
	}
	for _, l := range notes {
		os.Stdout.WriteString("note: " + l + "\n")
	}
	if len(problems) > 0 {
		return 1
	}
	return 0
}

// wanted are the parts of a plan that most nodes do not have.
func wanted(n *node.Setup, cmdline string) (plan []section) {
	for _, s := range []section{
		{"services", n.ServiceLines()},
		{"devices", node.DeviceLines(n.Config)},
		{"cgroups", n.CgroupLines()},
		{"update", n.UpdateLines(cmdline)},
	} {
		if len(s.lines) > 0 {
			plan = append(plan, s)
		}
	}
	return plan
}

// makePlan computes what a boot would do, from the same functions. said is what has no effect,
// which is no fault.
func makePlan(o options) (plan []section, said, problems []string) {
	n := node.LoadSetup(o.root, o.cmdline)
	c := n.Config
	problems = append(texts(c.Problems), messages(node.CheckSelfInPeers(c))...)
	problems = append(problems, health.CheckCmdline(o.cmdline)...)
	var mounts, targets []string
	notes := texts(c.Notes)
	for _, m := range append(boot.Early(), boot.Late()...) {
		mounts = append(mounts, m.String())
	}
	user, errs := boot.UserMounts(c.Mounts)
	for _, m := range user {
		mounts, targets = append(mounts, m.String()+m.Care()), append(targets, m.Target)
	}
	problems = append(append(problems, messages(errs)...), messages(n.Net.Problems())...)
	overlay, wrong := n.OverlayPlan(targets)
	mounts, problems = append(mounts, overlay...), append(problems, wrong...)
	n.StateDir = boot.StateDir(user)
	n.Found.Peers = node.Found(&n.Image) // of the running node
	hosts, kept := n.Hosts()
	notes = append(notes, kept...)
	if missing := c.MissingUsers(n.Image.Read); missing != "" {
		notes = append(notes, missing)
	}
	if c.FactoryReset {
		notes = append(notes, "beaminit.factory_reset: what has format is made anew in each boot with this word")
	}
	release, said, errs := planRelease(n)
	modules, unseen := n.MissingModules()
	if unseen != "" {
		notes = append(notes, unseen)
	}
	problems = append(problems, messages(append(append(append(append(errs, n.UnknownUsers()...), n.MissingPrograms()...), append(n.MissingTools(), n.MissingLoaderTools()...)...), modules...))...)
	problems = append(problems, devices.Unknown(c.Devices, n.Image.Read)...)
	if o.root == "/" { // what outlives a reboot is no part of an image
		problems = append(problems, checkState(c, user)...)
	} else { // a node that runs has its root
		problems = append(problems, messages(boot.RootProblems(&c.Root))...)
	}
	sequence := node.ShutdownPlan(c)
	plan = []section{
		{"configuration", settings(c, o.all)},
		{"modules", c.Kernel.Modules},
		{"sysctl", c.Kernel.Sysctl},
		{"tmpfiles", texts(c.Tmpfiles)},
		{"mounts", mounts},
		{"network", n.Net.Lines()},
		{node.HostsTarget, lines(hosts)},
		{"found peers", foundLines(n.Found.Peers, uptime())},
		{node.ResolvTarget, lines(n.Resolv())},
		{node.InetrcPath, lines(n.Inetrc())},
	}
	if o.json { // where the image needs a directory
		plan = append(plan, section{"targets", targets})
	}
	plan = append(plan, release...)
	plan = append(plan, wanted(n, o.cmdline)...)
	if c.FromErlinit() {
		plan = append(plan, section{"beaminit.toml", lines([]byte(c.TOML()))})
	}
	return append(plan, section{"way down", sequence.Lines()}, section{"notes", notes}, section{"problems", problems}), append(said, notes...), problems
}

func messages(errs []error) (lines []string) {
	for _, err := range errs {
		lines = append(lines, err.Error())
	}
	return lines
}

// checkState says what of the node's own files on its disks is not believed, and whose it
// should be. Only root can look at all of it.
func checkState(c *config.Config, mounts []boot.Mount) (problems []string) {
	for _, dir := range boot.StateDirs(mounts) {
		for _, err := range boot.CheckState(dir) {
			problems = append(problems, "not believed: "+err.Error())
		}
	}
	for _, k := range [...]struct{ key, path string }{{"health.key_file", c.Health.KeyFile}, {"discovery.key_file", c.Discovery.KeyFile}} {
		if k.path == "" {
			continue
		}
		if _, err := health.ReadKey(k.path); err != nil {
			problems = append(problems, k.key+": "+err.Error())
		}
	}
	return problems
}

// settings are what is set or found, and where; with all, what is built in too.
func settings(c *config.Config, all bool) (list []string) {
	c.Each(func(key, value, where string) {
		if !all && where == config.BuiltIn.String() {
			return
		}
		setting := key + " = " + value
		list = append(list, setting+strings.Repeat(" ", max(2, 46-len(setting)))+"# "+where)
	})
	return list
}

// texts is a list as its parts tell themselves.
func texts[T interface{ String() string }](list []T) (told []string) {
	for _, t := range list {
		told = append(told, t.String())
	}
	return told
}

func lines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func planText(plan []section) string {
	var b strings.Builder
	for _, s := range plan {
		if len(s.lines) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s.name + ":\n")
		for _, l := range s.lines {
			b.WriteString("  " + l + "\n")
		}
	}
	return b.String()
}

// planJSON is an object of arrays of strings.
func planJSON(plan []section) string {
	object := make(map[string][]string, len(plan))
	for _, s := range plan {
		object[s.name] = append([]string{}, s.lines...)
	}
	text, err := json.MarshalIndent(object, "", " ")
	if err != nil { // of strings, none is possible
		panic(err)
	}
	return string(text) + "\n"
}
