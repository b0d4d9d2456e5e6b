package node

import (
	"os"
	"strings"
	"time"

	"github.com/beaminit/beaminit/boot/shutdown"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/watchdog"
	"golang.org/x/sys/unix"
)

// dumpTimeout is what a release that hangs has for its crash dump: what
// ERL_CRASH_DUMP_SECONDS gives it, and as much again for a slow disk.
const dumpTimeout = 10 * time.Second

// watchdogSettings is what the configuration says about the watchdog.
func (n *Setup) watchdogSettings() (w supervise.Watchdog) {
	c, wanted := &n.Config.Watchdog, n.Config.IsSet("watchdog.device")
	if n.Container != "" && !wanted { // that is the host's
		return w
	}
	return supervise.Watchdog{Path: c.Device, Timeout: c.Timeout, Criterion: c.Criterion, Wanted: wanted}
}

// openWatchdog opens the watchdog, or takes it over from the PID 1 before this one; where that is
// done it does nothing. It comes before the first step that a disk or a network can hold up for
// ever: from there on that ends with a reset. Where it cannot be opened yet, the loop says so
// and tries again.
func (n *node) openWatchdog() {
	w := n.watchdogSettings()
	if n.watchdog.Timeout != 0 {
		return
	}
	if r := n.resume; r != nil && r.Watchdog > 0 {
		n.watchdog = watchdog.Adopt(r.Watchdog, w.Path, w.Timeout)
		return
	}
	if w.Path == "" {
		return
	}
	d, notes, err := watchdog.Open(w.Path, w.Timeout)
	if err != nil {
		return
	}
	n.watchdog = d
	n.console.Say(health.Notice, "watchdog: "+d.String())
	for _, note := range notes {
		n.console.Say(health.Warning, "watchdog: "+note)
	}
}

// disarmWatchdog stops the watchdog of a machine that is to stand still. One that restarts
// keeps it, for the case that it does not come that far.
func (n *node) disarmWatchdog(a shutdown.Action) {
	if a != shutdown.Reboot {
		n.watchdog.Disarm()
	}
}

// whoseHeart says which program ERTS finds when it starts "exec heart" through /bin/sh.
func (n *Setup) whoseHeart() release.Heart {
	root := n.Image.Root
	if root.Same("/bin/sh", n.Image.Program) {
		return release.OwnHeart
	}
	if _, err := root.Mode("/bin/sh"); err != nil {
		return release.NoHeart
	}
	return release.PathHeart
}

// linkHeart makes what release.PathHeart wants. All of it is in memory.
func linkHeart() error {
	unix.Mkdir(RunDir, 0o755)
	unix.Mkdir(release.HeartDir, 0o755)
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	link := release.HeartDir + "/heart"
	self = strings.TrimSuffix(self, " (deleted)") // by another of the same name
	if err := os.Symlink(self, link); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}
