package node

import (
	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/boot/devices"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"
)

// moduleRights are what it takes to load a module for a device, and reachModules what is read
// for that; before Linux 5.19 a driver that loads firmware has the rights of who loads the driver.
var moduleRights = []string{"sys_module"}

func reachModules() launch.Sandbox {
	return launch.Sandbox{Read: []string{"/sys", "/lib/modules", "/lib/firmware"}}
}

// autoload has the modules loaded that the devices want which are there. It is called again
// as long as a disk is awaited, which may have to be found by one of them.
func (n *node) autoload() {
	if !n.Config.Kernel.Autoload {
		return
	}
	if n.Container != "" {
		n.console.Say(health.Notice, "kernel.autoload: without effect in a container, whose kernel is the host's")
		return
	}
	if n.modules == nil {
		n.modules = boot.NewAutoload(n.Config)
	}
	before := len(n.modules.Said)
	if err := n.runJob(modulesJob, modulesLimit, n.modules, n.modules); err != nil {
		n.modules.Said = append(n.modules.Said, err.Error())
	}
	for _, line := range n.modules.Said[before:] {
		n.console.Say(health.Err, line)
	}
}

// loadModules does that job.
func loadModules(a *boot.Autoload) any {
	a.Present()
	return a
}

// moduleChild is the child that does the same for devices that come later, where it is wanted.
func (n *node) moduleChild() []supervise.Child {
	if !n.Config.Kernel.Autoload || n.Container != "" {
		return nil
	}
	orders := boot.NewAutoload(n.Config)
	if n.modules != nil {
		orders.Said = n.modules.Said
	}
	return []supervise.Child{hotplugChild("modules", devices.ModulesName, orders, launch.Own(nil, reachModules(), moduleRights...))}
}
