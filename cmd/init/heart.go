package main

import (
	"os"
	"runtime/debug"
	"strings"
	"time"
	"unsafe"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/heart"
	"golang.org/x/sys/unix"
)

// dumpTimeout is what a release that hangs has for its crash dump: what
// ERL_CRASH_DUMP_SECONDS gives it, and as much again for a slow disk.
const dumpTimeout = 10 * time.Second

// wantedDog is what the configuration says about the watchdog.
func (n *node) wantedDog() supervise.Dog {
	w := &n.config.Watchdog
	from, _ := n.config.Origin("watchdog.device")
	return supervise.Dog{Device: w.Device, Timeout: w.Timeout, Criterion: w.Criterion, Wanted: from != config.BuiltIn}
}

// lastThing stops the watchdog of a machine that is to stand still. One that restarts
// keeps it, for the case that it does not come that far.
func (n *node) lastThing(a boot.Action) {
	if a != boot.Reboot {
		n.watchdog.Disarm()
	}
}

// whoseHeart says which program ERTS finds when it starts "exec heart" through
// /bin/sh, with the directory bin first on its PATH.
func (n *node) whoseHeart(bin string) release.Heart {
	root := release.Root(n.root)
	self := "/proc/self/exe"
	if n.root != "" && n.root != "/" {
		self = n.config.Root.Program
	}
	if root.Same("/bin/sh", self) {
		return release.OwnHeart
	}
	if _, err := root.Mode("/bin/sh"); err != nil {
		return release.NoHeart
	}
	for _, dir := range [...]string{bin, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if root.Same(dir+"/heart", self) {
			return release.OwnHeart
		}
		if _, err := root.Mode(dir + "/heart"); err == nil {
			return release.HeartOf(root, dir+"/heart")
		}
	}
	return release.NoHeart
}

// beat is the heart of a release (package heart), which ERTS starts as
// "heart -pid PID". It ends with the VM, and not without it: the VM would end too.
func beat(args []string) int {
	s, notes, err := heart.Arguments(args[1:])
	if err != nil {
		os.Stderr.WriteString("heart: " + err.Error() + "\n")
		return 2
	}
	notes = append(notes, s.Environment(os.LookupEnv)...)
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&[]byte("heart\x00")[0])), 0, 0, 0) // not "init"
	debug.SetGCPercent(10)
	say := func(line string) { os.Stderr.WriteString("heart: " + line + "\n") }
	for _, note := range notes {
		say(note)
	}
	heart.Run(s, say)
	return 0
}

// shell stands in for the shell of an image that has none, for one call only: ERTS
// starts its heart through /bin/sh, and does not boot without.
func shell(args []string) int {
	if call, ok := heart.ShellCall(args[1:]); ok {
		return beat(append([]string{"heart"}, call...))
	}
	os.Stderr.WriteString("sh: there is no shell on this node, only the start of ERTS's heart is understood; not done: " +
		strings.Join(args, " ") + "\n")
	return 127
}
