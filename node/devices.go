package node

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/beaminit/beaminit/boot/devices"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
)

// deviceRights are what it takes to give a node another owner and another mode, and
// reachDevices what is read for that: sysfs, and the names of users. Of the nodes none is opened.
var deviceRights = []string{"chown", "fowner"}

func reachDevices() launch.Sandbox {
	return launch.Sandbox{Read: []string{"/sys", "/etc"}, Links: []string{"/dev"}}
}

// setDevices has the device nodes that are there set before anything is started that uses them.
func (n *node) setDevices() {
	if len(n.Config.Devices) == 0 {
		return
	}
	if err := n.runJob(devicesJob, devicesLimit, n.Config.Devices, &n.devicesSaid); err != nil {
		n.say(health.Err, err)
	}
	for _, line := range n.devicesSaid {
		n.console.Say(health.Err, line)
	}
}

// deviceChild is the child that does the same of those that come later, where one is wanted.
func (n *node) deviceChild() []supervise.Child {
	if len(n.Config.Devices) == 0 {
		return nil
	}
	return []supervise.Child{{
		Name: "devices",
		Policy: policy.ChildPolicy{Restart: policy.Always, BackoffFirst: time.Second, BackoffLongest: 30 * time.Second,
			Window: 30 * time.Second, StopTimeout: time.Second},
		Wanted: supervise.Wanted, Early: true,
		Command: func() (*launch.Command, error) {
			orders, err := json.Marshal(devices.Orders{Devices: n.Config.Devices, Said: n.devicesSaid})
			return &launch.Command{
				Path: "/proc/self/exe", Argv: []string{devices.ChildName, string(orders)}, Env: []string{}, Dir: "/",
				Bounds: launch.Own(nil, reachDevices(), deviceRights...),
			}, err
		},
	}}
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
	return lines
}
