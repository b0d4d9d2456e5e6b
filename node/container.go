package node

import (
	"os"
	"strings"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/handover"
)

// enterContainer is the beginning of a boot in a container. Its file systems, its network and
// its name are there, and are the runtime's; so is the kernel, with its log, its command line
// and its time: what PID 1 says goes to its standard output, what it is told comes from its
// environment and its arguments.
func (n *node) enterContainer() {
	n.console.OpenStdout()
	n.say(health.Err, clock.Begin())
	n.inherit()
	n.mounted = true
	hostname, _ := os.Hostname()
	n.sources = sources{Args: os.Args[1:], Environ: environ(), Hostname: hostname}
	if !n.resumes() {
		n.console.Say(health.Notice, "this is a container ("+n.Container+"): its file systems, network and kernel are left as they are, "+
			"and so is what the image has for machines (fstab, sysctl.d, tmpfiles.d, modules-load.d)")
	}
}

// environ are the variables of this process but those by which one PID 1 tells the next.
func environ() []string {
	list := []string{}
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); name {
		case stageEnv, handover.Env:
		default:
			list = append(list, v)
		}
	}
	return list
}

// netPlan is what shall be made of the network. The name that a container has is not given
// to it again: it may not be allowed to.
func (n *Setup) netPlan() netcfg.Plan {
	p := netcfg.Make(n.Config.Node.Hostname, n.Config.Network)
	if n.Container == "" {
		return p
	}
	if name, err := os.Hostname(); err == nil && name == p.Hostname {
		p.Hostname = ""
	}
	return p
}

// exitStatus is what PID 1 of a container ends with: the exit status of the release, or 128
// and the number of the signal that ended it, as a shell has it; and never 0 where it
// could not be started or kept up.
func exitStatus(e supervise.End) int {
	switch {
	case e.Status.Signaled():
		return 128 + int(e.Status.Signal())
	case e.Status == 0 && e.GaveUp:
		return 1
	}
	return e.Status.ExitStatus()
}
