// Package node is the story of a boot, from the first instruction of PID 1 to its last:
// Boot tells it, top to bottom. It is the only room that knows all the others. What a
// configuration and the files of an image come to is a Setup, the same for a boot, for
// beaminit plan and for the tools that go to the release.
package node

import (
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/boot/shutdown"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/handover"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/policy"
	"github.com/beaminit/beaminit/supervise/watchdog"
	"golang.org/x/sys/unix"
)

// RunDir is where everything that beaminit generates lives, ControlPath PID 1's control
// socket in it.
const (
	RunDir      = "/run/beaminit"
	ControlPath = RunDir + "/control"
)

// Build is what the program was built as.
type Build struct {
	Version string
	Time    string // in seconds since 1970 (SOURCE_DATE_EPOCH); empty: not known
}

// mountWait is how long the devices of [[mount]] may take to appear, all of them
// together.
const mountWait = 5 * time.Second

// Boot is PID 1 from the first instruction to the last: it does not return.
func Boot(build Build) {
	n := &node{build: build, Setup: Setup{Image: Running()}, console: health.NewConsole()}
	n.jobs = jobs.New(n.jobBounds)
	defer n.crashed()
	n.signals.Listen()
	unix.Umask(0o022) // the kernel's own; whoever started this in its place may have had another
	n.Container = boot.Container()
	if n.Container == "" {
		n.inherit()
		n.say(health.Err, boot.MountAll(boot.Early())...)
		n.console.Open("/dev/kmsg")
		n.sources = sources{Cmdline: Cmdline(), Args: os.Args[1:]}
	} else {
		n.enterContainer()
	}
	fault.At("mounts")
	n.Config = n.sources.load(&n.Image)
	fault.At("config")
	if !n.resumes() { // the PID 1 before this one did all that
		n.prepareRoot()
	}
	n.openWatchdog() // of a PID 1 that resumes, or whose driver has come by now
	n.key = n.recordKey()
	n.console.Sign(n.key)
	n.restoreName()
	n.Net = n.netPlan()
	status := n.Net.Apply()
	n.sayNetwork(status)
	n.phase("net")
	fault.At("net")
	n.readNames()
	n.writeHosts()
	n.findRelease()
	fault.At("release")
	action := n.supervise(status)
	n.shutdown(action)
}

// prepareRoot makes the machine what the configuration says, but for its network: modules, the
// root, its disks, device nodes, sysctls, the clock, the machine's id.
func (n *node) prepareRoot() {
	n.sayProblems()
	n.loadModules(n.Config.Kernel.Modules)
	if n.Config.Root.Device != "" && boot.InInitramfs() {
		n.enterRoot() // and begin again there
	}
	n.separateRelease()
	n.linkRootDisk()
	n.openWatchdog() // from here on, disks may hang
	before := n.mountDisks()
	n.enterOverlay()
	n.say(health.Err, boot.MakeLinkTargets()...)
	n.makeTmpfiles()
	n.setDevices()
	n.say(health.Err, boot.SetSysctls(n.Config.Kernel.Sysctl)...)
	n.raiseClock(before.Clock)
	n.ensureMachineID(before.MachineID)
	n.setCorePattern()
	n.phase("mounts")
}

// separateRelease keeps what a release that is not root's may fill in memory apart from what PID 1
// works with. In a container that is the runtime's matter.
func (n *node) separateRelease() {
	if user := n.Config.Release.User; user != "root" && user != "0" && n.Container == "" {
		n.say(health.Err, boot.MountAll([]boot.Mount{boot.BoundedTmpfs(config.ReleaseTmp), boot.BoundedTmpfs(MemoryDumps)})...)
	}
}

// node is a boot in progress: what the steps hand on, in the order in which Boot makes it.
type node struct {
	Setup
	build    Build
	console  *health.Console
	jobs     *jobs.Jobs
	signals  supervise.Signals
	resume   *handover.Document // what the PID 1 before this one knew; nil: there was none
	phases   []health.Phase     // that are done
	seq      uint32             // of the last health record
	sources  sources            // of the configuration
	mounted  bool               // the late mounts are made
	watchdog watchdog.Device

	// Of the disks and devices (prepareRoot).
	modules     *boot.Autoload // what is known of modules for devices; nil: none are loaded
	modulesSaid []string       // what went wrong with modules before the release was started
	devicesSaid []string       // and with devices
	state       kept

	key       health.Key       // of the health records; nil: they are not signed
	mounts    []boot.MountInfo // that mayHang looks at
	leftAlone []string         // files in whose place nothing is shown: their disk does not answer
	release   releaseState

	// Of the loop, and of the way down.
	supervised  bool               // the loop does jobs
	history     history.Writer     // see beginHistory
	failedBoots chan policy.Event  // of the boots before, once they are known
	sequence    *shutdown.Sequence // down; see shutdownSequence
	ending      policy.Action      // the node goes down, and nothing of the release runs any more; empty: it does not
	exit        int                // the exit status of a container
}

func (n *node) phase(name string) {
	if n.resumes() {
		return // its boot is over
	}
	n.phases = append(n.phases, health.Phase{Name: name, At: clock.Uptime()})
}

// say puts errors on the console.
func (n *node) say(s health.Severity, errs ...error) {
	for _, err := range errs {
		if err != nil {
			n.console.Say(s, err.Error())
		}
	}
}

// mountLate makes the mounts that the release need not wait for, once.
func (n *node) mountLate() {
	if !n.mounted {
		n.mounted = true
		n.say(health.Err, boot.MountLate()...)
	}
}

// sayProblems is loud (err): what a person has to mend shows under "quiet" too.
func (n *node) sayProblems() {
	for _, p := range n.Config.Problems {
		n.console.Say(health.Err, p.String())
	}
	n.say(health.Err, CheckSelfInPeers(n.Config)...)
	if len(n.Config.Notes) > 0 && n.Config.Root.Device != "" && boot.InInitramfs() {
		return // the second stage says them
	}
	for _, note := range n.Config.Notes {
		n.console.Say(health.Notice, note.String())
	}
}

// Cmdline is the kernel command line (proc(5)); empty where there is no /proc.
func Cmdline() string {
	b, _ := files.ReadFile("/proc/cmdline")
	return strings.TrimRight(string(b), "\n")
}

// randomBoot is the number of this boot in the health records. It need not be a secret, only
// another one each time; the kernel has given the Go runtime its seed (getauxval(3), AT_RANDOM),
// so it never waits for entropy.
func randomBoot() uint32 { return rand.Uint32() }
