// Package cgroup is the cgroup that a child of PID 1 can have of its own (the kernel's
// Documentation/admin-guide/cgroup-v2.rst): made and set before the child runs, emptied when it
// has ended, and read by who wants to know what it takes. All of it is files of the kernel's own,
// which no disk can hold up.
package cgroup

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/internal/files"
	"golang.org/x/sys/unix"
)

// Root is where boot mounts cgroup2.
const Root = "/sys/fs/cgroup"

// The groups of the release, and of a service before its name.
const (
	Release = "release"
	Service = "service."
)

// Group is a cgroup below the root, and what is set of it, each as FILE=VALUE.
type Group struct {
	Name   string
	Values []string
}

// New is a group of that name; nil where nothing is to be set.
func New(name string, values []string) *Group {
	if len(values) == 0 {
		return nil
	}
	return &Group{name, values}
}

// Dir is the directory of the group.
func (g *Group) Dir() string { return Root + "/" + g.Name }

// String is how a plan has it.
func (g *Group) String() string { return g.Dir() + ": " + strings.Join(g.Values, ", ") }

// Value is what one file is set to; empty: nothing is said of it.
func (g *Group) Value(file string) string {
	for _, v := range g.Values {
		if name, value, _ := strings.Cut(v, "="); name == file {
			return value
		}
	}
	return ""
}

// Make makes the group and sets it; ok says that there is one. Where something of the run before is
// still in it, it is taken as it is. A problem is a line: what is not as it was to be, and what would be right.
func (g *Group) Make() (problems []string, ok bool) {
	var fs unix.Statfs_t
	if err := unix.Statfs(Root, &fs); err != nil || fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return []string{"there is no cgroup2 on " + Root +
			"; want CONFIG_CGROUPS in the kernel, or a container with a cgroup2; going on without"}, false
	}
	// Anew, for what the run before has in the page cache counts too: the kernel would make room for
	// a limit before it takes it, and PID 1 would wait.
	unix.Rmdir(g.Dir())
	switch err := unix.Mkdir(g.Dir(), 0o755); err {
	case nil:
	case unix.EEXIST:
		if left := g.Processes(0); len(left) > 0 {
			problems = append(problems, "still in "+g.Dir()+" from the run before: "+Names(left))
		}
		return problems, true
	default:
		return []string{"cannot make " + g.Dir() + ": " + err.Error() +
			"; want a cgroup2 that can be written to, in a container too; going on without"}, false
	}
	for _, v := range g.Values {
		if why := g.set(v); why != "" {
			problems = append(problems, v+" is not set: "+why+"; going on without")
		}
	}
	return problems, true
}

// set sets one FILE=VALUE, and says why it cannot be.
func (g *Group) set(v string) (why string) {
	file, value, _ := strings.Cut(v, "=")
	controller, _, _ := strings.Cut(file, ".")
	if why := enable(controller); why != "" {
		return why
	}
	err := files.WriteKernel(g.Dir()+"/"+file, value)
	switch {
	case err == nil:
		return ""
	case files.Missing(err):
		return "the kernel has none; want " + option(file)
	}
	return err.Error()
}

// enable makes a controller one of the groups below the root, and says why it cannot be.
func enable(controller string) (why string) {
	if has(Root+"/cgroup.subtree_control", controller) {
		return ""
	}
	if !has(Root+"/cgroup.controllers", controller) {
		why = "cgroup2 has no controller " + controller + "; want " + option(controller) + " in the kernel"
		if controller == "memory" { // as the firmware of a Raspberry Pi says
			why += ", no cgroup_disable=memory"
		}
		return why + ", and cgroup_no_v1=all where a cgroup v1 has it"
	}
	err := files.WriteKernel(Root+"/cgroup.subtree_control", "+"+controller)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, unix.EBUSY): // but for the first of all, a cgroup that has processes has no controllers for those below it
		return "a container has the controller " + controller + " for itself alone; want a limit of the container"
	}
	return err.Error()
}

// option is what a file, or a whole controller, is in the configuration of the kernel.
func option(file string) string {
	switch {
	case file == "memory.swap.max":
		return "CONFIG_SWAP"
	case strings.HasPrefix(file, "memory"):
		return "CONFIG_MEMCG"
	case file == "cpu.max":
		return "CONFIG_CFS_BANDWIDTH"
	case strings.HasPrefix(file, "cpu"):
		return "CONFIG_FAIR_GROUP_SCHED"
	case strings.HasPrefix(file, "pids"):
		return "CONFIG_CGROUP_PIDS"
	case file == "io.weight":
		return "CONFIG_BLK_CGROUP_IOCOST"
	}
	return "CONFIG_BLK_CGROUP"
}

// Enter puts the process that calls it into the group in a directory.
func Enter(dir string) error { return files.WriteKernel(dir+"/cgroup.procs", "0") }

// Process is one that is in a group.
type Process struct {
	PID  int
	Name string // proc(5), comm; of the first ones
}

// Processes are those that are in it, but for those of one process group (0: none).
func (g *Group) Processes(but int) (list []Process) {
	text, err := files.ReadFile(g.Dir() + "/cgroup.procs")
	if err != nil {
		return nil
	}
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil || pid <= 1 { // 0 is one of another pid namespace
			continue
		}
		if pgid, err := unix.Getpgid(pid); err != nil || but > 0 && pgid == but {
			continue
		}
		p := Process{PID: pid}
		if len(list) < named { // there may be tens of thousands, and PID 1 waits
			name, _ := files.ReadFile("/proc/" + word + "/comm")
			p.Name = strings.TrimSpace(string(name))
		}
		list = append(list, p)
	}
	return list
}

// named is of how many processes Names tells the names.
const named = 3

// Names tells of processes in one line.
func Names(list []Process) string {
	text := strconv.Itoa(len(list)) + " process"
	if len(list) > 1 {
		text += "es"
	}
	for i, p := range list[:min(len(list), named)] {
		text += [...]string{": ", ", ", ", "}[i] + strconv.QuoteToASCII(p.Name) + " (pid " + strconv.Itoa(p.PID) + ")"
	}
	if len(list) > named {
		text += ", …"
	}
	return text
}

// Kill kills all that is in it, and does not wait for the end of that.
func (g *Group) Kill() {
	if files.WriteKernel(g.Dir()+"/cgroup.kill", "1") == nil {
		return
	}
	for range 3 { // before Linux 5.14; one may have forked meanwhile
		for _, p := range g.Processes(0) {
			unix.Kill(p.PID, unix.SIGKILL)
		}
	}
}

// OOMKills is how many of its processes the kernel's OOM killer has taken in this boot (kills), and
// how often there was no memory left of what the group itself may have (limits).
func (g *Group) OOMKills() (kills, limits int) {
	text, _ := files.ReadFile(g.Dir() + "/memory.events")
	for _, line := range strings.Split(string(text), "\n") {
		name, value, _ := strings.Cut(line, " ")
		n, _ := strconv.Atoi(value)
		switch name {
		case "oom_kill":
			kills = n
		case "oom":
			limits = n
		}
	}
	return kills, limits
}

// has says whether a file of words has this one.
func has(path, word string) bool {
	text, err := files.ReadFile(path)
	return err == nil && slices.Contains(strings.Fields(string(text)), word)
}
