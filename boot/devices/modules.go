package devices

import (
	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/internal/footprint"
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

func (a *autoloader) all() { a.done(a.Present()) }

func (a *autoloader) take(e *event) {
	if seen := len(a.Seen); e.action != "remove" {
		if lines := a.Come(e.words); len(a.Seen) != seen {
			a.done(lines)
		}
	}
}

// done says what went wrong, and gives back what the tables took: megabytes, for long.
func (a *autoloader) done(lines []string) {
	for _, line := range lines {
		complain(line)
	}
	footprint.GiveBack()
}
