package node

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beaminit/beaminit/boot/devices"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
)

// deviceRights are what it takes to give a node another owner and another mode, and
// reachDevices what is read for that: sysfs, and the names of users. Of the nodes none is opened,
// but where disks are to have links: those of disks, whoever they were given to (diskRights).
var (
	deviceRights = []string{"chown", "fowner"}
	diskRights   = []string{"dac_read_search"}
)

func reachDevices(disks bool) launch.Sandbox {
	box := launch.Sandbox{Read: []string{"/sys", "/etc"}, Links: []string{"/dev"}}
	if disks {
		box.Read = append(box.Read, "/dev")
	}
	return box
}

// deviceBounds is what may who does that, as far as it is wanted.
func deviceBounds(o *devices.Orders) launch.Bounds {
	var rights []string
	if len(o.Devices) > 0 {
		rights = deviceRights
	}
	if o.Disks {
		rights = append(slices.Clip(rights), diskRights...)
	}
	return launch.Own(nil, reachDevices(o.Disks), rights...)
}

// deviceOrders is what is wanted of devices; ok: anything is.
func (n *node) deviceOrders() (o devices.Orders, ok bool) {
	o = devices.Orders{Devices: n.Config.Devices, Disks: n.Config.Kernel.DiskLinks, Said: n.devicesSaid}
	return o, len(o.Devices) > 0 || o.Disks
}

// setDevices has the device nodes that are there set before anything is started that uses them.
func (n *node) setDevices() {
	orders, ok := n.deviceOrders()
	if !ok {
		return
	}
	if err := n.runJob(devicesJob, devicesLimit, orders, &n.devicesSaid); err != nil {
		n.devicesSaid = append(n.devicesSaid, err.Error())
	}
	for _, line := range n.devicesSaid {
		n.console.Say(health.Err, line)
	}
}

// deviceChild is the child that does the same of those that come later, where one is wanted.
func (n *node) deviceChild() []children.Child {
	orders, ok := n.deviceOrders()
	if !ok {
		return nil
	}
	return []children.Child{hotplugChild("devices", devices.ChildName, orders, deviceBounds(&orders))}
}

// hotplugChild is one that hears the kernel's uevents.
func hotplugChild(name, program string, orders any, bounds launch.Bounds) children.Child {
	return children.Child{
		Name: name,
		Policy: policy.ChildPolicy{Restart: policy.Always, BackoffFirst: time.Second, BackoffLongest: 30 * time.Second,
			Window: 30 * time.Second, StopTimeout: time.Second},
		Wanted: children.Wanted, Early: true,
		Command: func() (*launch.Command, error) {
			text, err := json.Marshal(orders)
			return &launch.Command{
				Path: "/proc/self/exe", Argv: []string{program, string(text)}, Env: []string{}, Dir: "/", Bounds: bounds,
			}, err
		},
	}
}

// DeviceLines say for a plan what is wanted of which devices.
func DeviceLines(c *config.Config) (lines []string) {
	for i := range c.Devices {
		d := &c.Devices[i]
		line := d.Which() + ":"
		for _, word := range [...][2]string{{"owner", d.Owner}, {"group", d.Group}, {"link", d.Link}} {
			if word[1] != "" {
				line += " " + word[0] + " " + word[1]
			}
		}
		if d.Mode != 0 {
			line += fmt.Sprintf(" mode %04o", d.Mode)
		}
		lines = append(lines, line)
	}
	if c.Kernel.Autoload {
		line := "modules: for each device, by modules.alias"
		if len(c.Kernel.Blacklist) > 0 {
			line += ", but not " + strings.Join(c.Kernel.Blacklist, " ")
		}
		lines = append(lines, line)
	}
	if c.Kernel.DiskLinks {
		lines = append(lines, "disks: links in /dev/disk/by-uuid, by-label, by-partuuid, by-partlabel")
	}
	return lines
}
