// Command handover is the first stage of the benchmark's initramfs. It loads the
// modules named in HANDOVER_MODULES, so that they are no part of any init's bill,
// and becomes /sbin/init: the instructions are counted from there.
package main

import (
	"os"
	"strings"

	"github.com/beaminit/beaminit/boot"
	"golang.org/x/sys/unix"
)

func main() {
	for _, err := range boot.LoadModules(boot.ModuleDir(), strings.Split(os.Getenv("HANDOVER_MODULES"), ","), nil) {
		print(err.Error(), "\n")
	}
	err := unix.Exec("/sbin/init", []string{"/sbin/init"}, []string{"HOME=/", "TERM=linux"})
	print("exec /sbin/init: ", err.Error(), "\n")
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}
