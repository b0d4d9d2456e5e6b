package devices

import (
	"github.com/beaminit/beaminit/boot"
	"golang.org/x/sys/unix"
)

// ModulesName is the name under which this program loads modules for devices that come. It
// is a process by itself, which may do nothing else: the one that sets devices loads none.
const ModulesName = "beaminit-modules"

// ModulesMain is that process; its orders are a boot.Autoload.
func ModulesMain(args []string) int {
	var a boot.Autoload
	if !begin(ModulesName, args, &a, unix.SYS_FINIT_MODULE) {
		return 2
	}
	follow(&autoloader{&a})
	return 1
}

// autoloader loads the modules for devices.
type autoloader struct{ *boot.Autoload }

func (a *autoloader) all() { a.say(a.Present()) }

func (a *autoloader) take(e *event) {
	if e.action != "remove" {
		a.say(a.Come(e.words))
	}
}

func (a *autoloader) say(lines []string) {
	for _, line := range lines {
		complain(line)
	}
}
