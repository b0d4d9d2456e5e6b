package cli

import (
	"os"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/node"
	"golang.org/x/sys/unix"
)

// FactoryReset has the next boot make the data partitions anew, and reboots:
// beaminit factory-reset [--yes]. Without --yes it only says what would be lost.
func FactoryReset(args []string) int {
	complain := func(why string) int { return complain("factory-reset", why) }
	yes := len(args) == 2 && args[1] == "--yes"
	if len(args) > 1 && !yes {
		return complain("no argument " + args[1] + "; want --yes, or none")
	}
	plan, _ := boot.UserMounts(node.LoadSetup("/", node.Cmdline()).Config.Mounts)
	lost := boot.Resettable(plan)
	if len(lost) == 0 {
		return complain("no [[mount]] has format, so there is nothing that a boot could make anew")
	}
	for i := range lost {
		say("everything on " + lost[i].Target + " (" + lost[i].Source + ") goes: it becomes an empty " + lost[i].Format)
	}
	if !yes {
		say("beaminit factory-reset --yes does it, with a reboot at once")
		return exitFailed
	}
	dir, errs := boot.FindState(plan)
	for _, err := range errs {
		os.Stderr.WriteString(err.Error() + "\n")
	}
	if dir == "" {
		return complain("there is no state directory on a disk to note it in; want beaminit.factory_reset on the kernel command line")
	}
	if err := boot.AskReset(dir); err != nil {
		return complain(err.Error())
	}
	if err := unix.Kill(1, unix.SIGTERM); err != nil {
		return complain("reboot: " + err.Error())
	}
	say("the node reboots")
	return exitOK
}
