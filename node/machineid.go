package node

import (
	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/files"
)

// ensureMachineID fills an /etc/machine-id that the image left empty, and puts the one of
// the kernel command line over any. The release may read it at its start; where the
// image has none, it can wait (see deferredMachineID). saved is that of the boot before.
func (n *node) ensureMachineID(saved string) {
	if n.Container != "" || !n.answers(boot.MachineIDPath) {
		return
	}
	need, present := boot.NeedMachineID()
	asked := n.Config.Node.MachineID
	if asked == "" && !(need && present) {
		n.state.needID = need
		return
	}
	n.writeMachineID(asked, saved, present)
}

// deferredMachineID puts an id in /run where the image has no file for it.
func (n *node) deferredMachineID() {
	if n.state.needID {
		n.state.needID = false
		n.writeMachineID("", n.state.recalled.MachineID, false)
	}
}

// writeMachineID writes the id that was asked for, else the saved one, else a new one.
func (n *node) writeMachineID(id, saved string, present bool) {
	from := "systemd.machine_id="
	if id == "" {
		id, from = saved, "saved in "+n.StateDir
		if id == "" {
			id, from = boot.MakeMachineID(n.boardNumber())
		}
		n.state.machineID = id // to be kept
	}
	if err := boot.WriteMachineID(id, present); err != nil {
		n.say(health.Err, err)
	} else if from == "random" && n.StateDir == "" {
		n.console.Say(health.Notice, "machine-id: random for this boot: the board has no number of its own, and no [[mount]] keeps one")
	}
}

// boardNumber is what tells this board from another: the MAC of the first interface, if
// it is the hardware's (kernel Documentation/ABI/testing/sysfs-class-net).
func (n *Setup) boardNumber() string {
	iface := "eth0"
	if len(n.Config.Network) > 0 {
		iface = n.Config.Network[0].Interface
	}
	dir := "/sys/class/net/" + iface
	if kind, err := files.ReadFile(dir + "/addr_assign_type"); err != nil || string(kind) != "0\n" {
		return ""
	}
	mac, _ := files.ReadFile(dir + "/address")
	return string(mac)
}

// setCorePattern is done before the release is started: it may be the first to crash.
func (n *node) setCorePattern() {
	if p := n.Config.Kernel.CorePattern; p != "" {
		n.say(health.Err, boot.SetCorePattern(p))
	}
}
