// Package devices gives device nodes the owner, the group, the mode and the link that
// [[device]] wants, and disks the links of what they are called (kernel.disk_links): those
// that are there before the release starts (a Job), and those that come later, by a child
// that hears the kernel's uevents. PID 1 reads none of them.
// Another child loads the modules for devices (kernel.autoload), as PID 1 does before for those that are there.
// The nodes themselves are the kernel's (devtmpfs); what is known of a device is in sysfs
// (kernel Documentation/filesystems/sysfs.rst).
package devices

import (
	"github.com/beaminit/beaminit/config"
)

// ChildName is the name under which this program follows the devices.
const ChildName = "beaminit-devices"

// Orders are what the child is told.
type Orders struct {
	Devices []config.Device
	Disks   bool     // have their links
	Said    []string // what was said before, and is not said again
}

// Apply does what is wanted of the devices that are there, and gives what went wrong, a line
// for each. Disks are last: one that is dead makes it wait.
func Apply(o Orders) []string {
	v := &voice{said: o.Said}
	newSetter(o.Devices, v).all()
	if o.Disks {
		(&linker{v}).all()
	}
	return v.said
}
