package node

import (
	"errors"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"
)

// The variables of a boot loader are asked for as U-Boot's and GRUB's own tools know them:
// where the environment lies, and which of two copies counts, is their matter.
const (
	loaderLimit = 5 * time.Second
	loaderSize  = 128 << 10 // of an environment, in bytes
)

// loaderTool is the one for a kind of variable, with its arguments; nil: it is none of a boot loader.
func loaderTool(kind string) []string {
	switch kind {
	case "uboot":
		return []string{"fw_printenv"}
	case "grub":
		return []string{"grub-editenv", "-", "list"}
	}
	return nil
}

// loader gives the variables of [update].
type loader struct {
	cmdline string
	find    func(tool string) (path string)
	kind    string // of listed
	listed  string // what its tool said
}

// toolPath is where such a tool lies; empty: the image has none.
func (n *Setup) toolPath(tool string) string {
	for _, dir := range [...]string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"} {
		if mode, err := n.Image.Root.Mode(dir + tool); err == nil && mode&0o111 != 0 {
			return dir + tool
		}
	}
	return ""
}

// list is a boot loader's environment, a line for each variable.
func (l *loader) list(kind string) (string, error) {
	if l.kind == kind {
		return l.listed, nil
	}
	argv := loaderTool(kind)
	path := l.find(argv[0])
	if path == "" {
		return "", errors.New("the image has no " + argv[0])
	}
	out, err := RunProgram(append([]string{path}, argv[1:]...), loaderLimit, loaderSize, false)
	if err == nil {
		l.kind, l.listed = kind, string(out)
	}
	return string(out), err
}

// get gives a variable by the way that the configuration has for it; there is false where
// nothing is set.
func (l *loader) get(way string) (value string, there bool, err error) {
	kind, name, _ := strings.Cut(way, ":")
	switch kind {
	case "rauc":
		name = "rauc.slot"
	case "root":
		value, there = cmdline.Word(l.cmdline, "root")
		return value[strings.LastIndexAny(value, "=/")+1:], there, nil
	case "uboot", "grub":
		text, err := l.list(kind)
		for _, line := range strings.Split(text, "\n") {
			if v, is := strings.CutPrefix(line, name+"="); is {
				return strings.TrimSpace(v), true, nil
			}
		}
		return "", false, err
	}
	value, there = cmdline.Word(l.cmdline, name)
	return value, there, nil
}

// isTrial says that the system is on trial. One of which that is not to be found out is: to
// confirm it does no harm.
func (l *loader) isTrial(u *config.Update) (bool, error) {
	if u.Trial == "" {
		return u.Active(), nil
	}
	way, want, has := strings.Cut(u.Trial, "=")
	if !has {
		want = "1"
	}
	value, there, err := l.get(way)
	return err != nil || there && value == want, err
}

// update is what the loop is told of the system that runs.
func (n *node) update() (u supervise.Update) {
	c := &n.Config.Update
	if c.Slot == "" && !c.Active() {
		return u
	}
	if n.Container != "" {
		n.console.Say(health.Notice, "update: without effect in a container, whose image is its host's matter")
		return u
	}
	u.Confirm, u.Reject = programOf(c.Confirm), programOf(c.Reject)
	if n.resumes() { // the PID 1 before has found out the rest
		return u
	}
	l := loader{cmdline: n.sources.Cmdline, find: n.toolPath}
	if c.Slot == "" {
		u.Slot, _, _ = l.get("rauc") // where there is one
	} else {
		slot, there, err := l.get(c.Slot)
		if err == nil && !there {
			err = errors.New("nothing is set")
		}
		if err != nil {
			n.console.Say(health.Err, "update.slot: "+c.Slot+": "+err.Error())
		}
		u.Slot = slot
	}
	trial, err := l.isTrial(c)
	if u.Trial = trial; err != nil {
		n.console.Say(health.Err, "update.trial: "+c.Trial+": "+err.Error()+"; the system counts as one on trial")
	}
	return u
}

// programOf is a program of the image that PID 1 runs; nil: none.
func programOf(argv []string) *launch.Command {
	if len(argv) == 0 {
		return nil
	}
	return &launch.Command{Path: argv[0], Argv: argv, Env: launch.ProgramEnv(), Dir: "/", Away: true}
}

// MissingLoaderTools is for a plan: the tools for a boot loader's variables that the image has not.
func (n *Setup) MissingLoaderTools() (problems []error) {
	for _, v := range [...][2]string{{"update.slot", n.Config.Update.Slot}, {"update.trial", n.Config.Update.Trial}} {
		kind, _, _ := strings.Cut(v[1], ":")
		if tool := loaderTool(kind); tool != nil && n.toolPath(tool[0]) == "" {
			problems = append(problems, n.problem(v[0], "the image has no "+tool[0], "the package that has it", ""))
		}
	}
	return problems
}

// UpdateLines say for a plan what becomes of the system that runs.
func (n *Setup) UpdateLines(cmdline string) (lines []string) {
	c := &n.Config.Update
	kept, given := "", ""
	if len(c.Confirm) > 0 {
		kept = ": " + strings.Join(c.Confirm, " ")
	}
	if len(c.Reject) > 0 {
		given = ": " + strings.Join(c.Reject, " ")
	}
	if c.Slot != "" {
		line := "slot: " + c.Slot
		if l := (loader{cmdline: cmdline}); !strings.Contains(c.Slot, ":") || strings.HasPrefix(c.Slot, "cmdline:") {
			value, _, _ := l.get(c.Slot)
			line += ", here " + value
		}
		lines = append(lines, line)
	}
	if !c.Active() {
		return lines
	}
	when, up := "in each boot", "up for "+c.After.String()
	if c.Trial != "" {
		when = "where " + c.Trial
	}
	if c.Peers {
		up += " with all peers"
	}
	return append(lines, "on trial: "+when, "confirmed when it is "+up+kept,
		"given up when it is not, within "+c.Within.String()+", or its release is"+given+", and a reboot")
}
