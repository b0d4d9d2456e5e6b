package cli

import (
	"os"
	"strings"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/boot/devices"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/node"
)

// bootPlan is what a boot would do, for people to read.
type bootPlan struct {
	sections []section
	notes    []string // what has no effect, which is no fault
	release  []string // the same, of the release: its section has them
	problems []string
}

func (p *bootPlan) add(sections ...section) { p.sections = append(p.sections, sections...) }

// addSome adds what most nodes do not have.
func (p *bootPlan) addSome(sections ...section) {
	for _, s := range sections {
		if len(s.lines) > 0 {
			p.add(s)
		}
	}
}

func (p *bootPlan) note(text string) {
	if text != "" {
		p.notes = append(p.notes, text)
	}
}

// problem adds what is wrong. (Inlined: 4 KB more.)
//
//go:noinline
func (p *bootPlan) problem(errs ...error) {
	for _, err := range errs {
		p.problems = append(p.problems, err.Error())
	}
}

// Plan prints what a boot would do. It changes nothing and needs no privilege.
func Plan(args []string) int {
	o, err := parseOptions(args)
	if err != nil {
		return complain("plan", err.Error())
	}
	p := makePlan(o)
	if o.json {
		os.Stdout.WriteString(planJSON(p.sections))
	} else {
		os.Stdout.WriteString(planText(p.sections))
	}
	return exitOK
}

// Check prints what is wrong; an image build runs it, so that a bad configuration
// stops the build and not a node.
func Check(args []string) int {
	o, err := parseOptions(args)
	if err != nil {
		return complain("check", err.Error())
	}
	p := makePlan(o)
	for _, problem := range p.problems {
		say(problem)
	}
	for _, note := range append(p.release, p.notes...) {
		say("note: " + note)
	}
	if len(p.problems) > 0 {
		return exitFailed
	}
	return exitOK
}

// makePlan computes what a boot would do, from the same functions.
func makePlan(o options) *bootPlan {
	n := node.LoadSetup(o.root, o.cmdline)
	c := n.Config
	p := &bootPlan{notes: texts(c.Notes), problems: texts(c.Problems)}
	p.problem(node.CheckSelfInPeers(c)...)
	p.problems = append(p.problems, health.CheckCmdline(o.cmdline)...)
	p.add(
		section{"configuration", settings(c, o.all)},
		section{"modules", c.Kernel.Modules},
		section{"sysctl", c.Kernel.Sysctl},
		section{"tmpfiles", texts(c.Tmpfiles)},
	)
	user, errs := boot.UserMounts(c.Mounts)
	p.problem(errs...)
	p.problem(n.Net.Problems()...)
	targets := p.addMounts(n, user)
	p.addNetwork(n)
	if o.json { // where the image needs a directory
		p.add(section{"targets", targets})
	}
	p.note(c.MissingUsers(n.Image.Read))
	if c.FactoryReset {
		p.note("beaminit.factory_reset: what has format is made anew in each boot with this word")
	}
	p.addRelease(n)
	p.addSome(
		section{"services", n.ServiceLines()},
		section{"devices", node.DeviceLines(c)},
		section{"cgroups", n.CgroupLines()},
		section{"update", n.UpdateLines(o.cmdline)},
	)
	p.checkImage(n)
	if o.root == "/" { // what outlives a reboot is no part of an image
		p.problems = append(p.problems, checkState(c, user)...)
	} else { // a node that runs has its root
		p.problem(boot.RootProblems(&c.Root)...)
	}
	if c.FromErlinit() {
		p.add(section{"beaminit.toml", lines([]byte(c.TOML()))})
	}
	sequence := node.ShutdownPlan(c)
	p.add(
		section{"way down", sequence.Lines()},
		section{"notes", p.notes},
		section{"problems", p.problems},
	)
	return p
}

// addMounts adds what is mounted, and gives where the configuration mounts something.
func (p *bootPlan) addMounts(n *node.Setup, user []boot.Mount) (targets []string) {
	mounts := texts(append(boot.Early(), boot.Late()...))
	for _, m := range user {
		mounts = append(mounts, m.String()+m.Care())
		targets = append(targets, m.Target)
	}
	overlay, problems := n.OverlayPlan(targets)
	p.problems = append(p.problems, problems...)
	p.add(section{"mounts", append(mounts, overlay...)})
	n.StateDir = boot.StateDir(user)
	return targets
}

// addNetwork adds the network, and the files with names and addresses.
func (p *bootPlan) addNetwork(n *node.Setup) {
	n.Found.Peers = node.Found(&n.Image) // of the running node
	hosts, notes := n.Hosts()
	p.notes = append(p.notes, notes...)
	p.add(
		section{"network", n.Net.Lines()},
		section{node.HostsTarget, lines(hosts)},
		section{"found peers", foundLines(n.Found.Peers, uptime())},
		section{node.ResolvTarget, lines(n.Resolv())},
		section{node.InetrcPath, lines(n.Inetrc())},
	)
}

// checkImage looks for what the configuration names and the image does not have.
func (p *bootPlan) checkImage(n *node.Setup) {
	modules, unseen := n.MissingModules()
	p.note(unseen)
	for _, errs := range [...][]error{
		n.UnknownUsers(), n.MissingPrograms(), n.MissingTools(), n.MissingLoaderTools(), modules,
	} {
		p.problem(errs...)
	}
	p.problems = append(p.problems, devices.Unknown(n.Config.Devices, n.Image.Read)...)
}

// checkState says what of the node's own files on its disks is not believed, and whose it
// should be. Only root can look at all of it.
func checkState(c *config.Config, mounts []boot.Mount) (problems []string) {
	for _, dir := range boot.StateDirs(mounts) {
		for _, err := range boot.CheckState(dir) {
			problems = append(problems, "not believed: "+err.Error())
		}
	}
	for _, f := range [...]struct{ key, path string }{
		{"health.key_file", c.Health.KeyFile},
		{"discovery.key_file", c.Discovery.KeyFile},
	} {
		if f.path == "" {
			continue
		}
		if _, err := health.ReadKey(f.path); err != nil {
			problems = append(problems, f.key+": "+err.Error())
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
