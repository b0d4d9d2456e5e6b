package node

import (
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/boot/devices"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
)

// moduleRights are what it takes to load a module, and reachModules what is read for that;
// before Linux 5.19 a driver that loads firmware has the rights of who loads the driver.
var moduleRights = []string{"sys_module"}

func reachModules() launch.Sandbox {
	return launch.Sandbox{Read: []string{"/sys", "/lib/modules", "/lib/firmware"}}
}

// modulesOrder is which modules are to be loaded, in this order.
type modulesOrder struct {
	Names    []string          // that the configuration has
	Options  map[string]string // of these
	Autoload *boot.Autoload    // those that the devices want which are there; nil: none
}

// modulesAnswer is what came of it.
type modulesAnswer struct {
	Errs     []string       // of the names
	Autoload *boot.Autoload // as in the order; what it says is in Said
}

// loadModules has a child load those modules, and says what went wrong. It is called again
// without names as long as a disk is awaited, which may have to be found by one of them.
func (n *node) loadModules(names []string) {
	k := &n.Config.Kernel
	if len(names) == 0 && !k.Autoload {
		return
	}
	if n.Container != "" {
		n.console.Say(health.Notice, "kernel.modules, kernel.autoload: without effect in a container, whose kernel is the host's")
		return
	}
	order := modulesOrder{names, k.ModuleOptions, n.modules}
	said := 0 // of Autoload, before
	if n.modules != nil {
		said = len(n.modules.Said)
	} else if k.Autoload {
		order.Autoload = boot.NewAutoload(n.Config)
	}
	var answer modulesAnswer
	err := n.runJob(modulesJob, modulesLimit+time.Duration(len(names))*boot.ModuleLimit, order, &answer)
	lines := answer.Errs
	switch {
	case err != nil:
		lines = append(lines, err.Error())
	case answer.Autoload != nil:
		n.modules, lines = answer.Autoload, append(lines, answer.Autoload.Said[said:]...)
	}
	for _, line := range lines {
		n.console.Say(health.Err, line)
	}
	n.modulesSaid = append(n.modulesSaid, lines...)
}

// modules does that job.
func modules(o *modulesOrder) any {
	answer := modulesAnswer{Autoload: o.Autoload}
	for _, err := range boot.LoadModules(boot.ModuleDir(), o.Names, o.Options) {
		answer.Errs = append(answer.Errs, err.Error())
	}
	if o.Autoload != nil {
		o.Autoload.Present()
	}
	return answer
}

// moduleChild is the child that does the same for devices that come later, where it is wanted.
func (n *node) moduleChild() []children.Child {
	if !n.Config.Kernel.Autoload || n.Container != "" {
		return nil
	}
	orders := boot.NewAutoload(n.Config)
	if n.modules != nil {
		orders.Said = n.modules.Said
	}
	return []children.Child{hotplugChild("modules", devices.ModulesName, orders, launch.Own(nil, reachModules(), moduleRights...))}
}
