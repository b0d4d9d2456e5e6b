package main

import (
	"os"
	"sync"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/netcfg"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/policy"
	"github.com/beaminit/beaminit/supervise/watchdog"
	"golang.org/x/sys/unix"
)

// runDir is where everything that beaminit generates lives.
const runDir = "/run/beaminit"

// mountWait is how long the devices of [[mount]] may take to appear, all of them
// together.
const mountWait = 5 * time.Second

// bootNode is PID 1 from the first instruction to the last: it does not return.
func bootNode() {
	n := &node{console: health.NewConsole()}
	defer n.fell()
	n.stop = n.signals.Listen()
	unix.Umask(0o022) // the kernel's own; whoever started this in its place may have had another
	n.inherit()
	n.say(health.Err, boot.MountAll(boot.Early())...)
	n.console.Open("/dev/kmsg")
	fault.At("mounts")
	n.config = config.Sources{Cmdline: cmdline(), Args: os.Args[1:], Read: readFile, List: listDir, Run: n.askID}.Load()
	fault.At("config")
	if !n.adopts() { // the PID 1 before this one did all that
		n.prepareRoot()
	}
	n.signRecords()
	n.net = netcfg.Make(n.config.Node.Hostname, n.config.Network)
	status := n.net.Apply()
	n.sayNetwork(status)
	n.phase("net")
	fault.At("net")
	n.writeHosts()
	n.findRelease()
	fault.At("release")
	action := n.supervise(status)
	n.goDown(action)
}

// prepareRoot makes the file systems what the configuration says.
func (n *node) prepareRoot() {
	n.sayProblems()
	if modules := n.config.Kernel.Modules; len(modules) > 0 {
		n.say(health.Err, boot.LoadModules(boot.ModuleDir(), modules, n.config.Kernel.ModuleOptions)...)
	}
	if n.config.Root.Device != "" && boot.InInitramfs() {
		n.enterRoot() // and begin again there
	}
	n.linkRootDisk()
	plan, errs := boot.UserMounts(n.config.Mounts)
	n.say(health.Err, errs...)
	if boot.NeedLate(plan) {
		n.mountLate()
	}
	n.say(health.Err, boot.MountUser(plan, mountWait, n.interrupted)...)
	n.say(health.Err, boot.MakeLinkTargets()...)
	n.say(health.Err, boot.SetSysctls(n.config.Kernel.Sysctl)...)
	n.state = boot.StateDir(plan)
	n.raiseClock()
	n.giveMachineID()
	n.setCorePattern()
	n.phase("mounts")
}

// node is a boot in progress: what the steps hand on.
type node struct {
	console    *health.Console
	signals    supervise.Signals
	config     *config.Config
	net        netcfg.Plan
	release    *release.Release
	failed     error         // why there is no release to start
	unprobed   bool          // nobody can ask the release whether it answers
	unnamed    bool          // its node has no name when it starts
	user       *release.User // of the release; nil: root
	name       string        // of the Erlang node, once something has asked for it
	mounted    bool          // the late mounts are made
	prepared   bool          // the release has been started, or at least tried, once
	uncuttable bool          // the kernel cannot end a connection from outside (SOCK_DESTROY)
	started    bool          // once it could be
	phases     []health.Phase
	boot       uint32
	seq        uint32 // of the last health record
	stop       <-chan os.Signal
	resume     *supervise.Resume // what the PID 1 before this one knew; nil: there was none
	state      string            // directory of what is to outlive a reboot, once it is mounted; empty: none
	clock      boot.Floor        // what the clock was set to; At is 0: it was not
	saving     sync.Mutex        // held by save
	seeded     bool              // the seed of the boot before was taken
	watchdog   watchdog.Dog
	way        *boot.Way         // down; see wayDown
	history    history.Keeper    // see beginHistory
	row        chan policy.Event // of the boots before, once they are known
	root       string            // of a plan: where the image lies; empty: this is the node
	terminal   *console.Terminal // of the release; nil: it has none

	clockFrom string // rtc, floor or kernel, for the health records
	machineID string // to be kept for the next boot; empty: none
	needID    bool   // the image has no file for it
}

func (n *node) phase(name string) {
	if n.adopts() {
		return // its boot is over
	}
	n.phases = append(n.phases, health.Phase{Name: name, At: clock.Boottime()})
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
	for _, p := range n.config.Problems {
		n.console.Say(health.Err, p.String())
	}
	n.say(health.Err, strangers(n.config)...)
	if len(n.config.Notes) > 0 && n.config.Root.Device != "" && boot.InInitramfs() {
		return // the second stage says them
	}
	for _, note := range n.config.Notes {
		n.console.Say(health.Notice, note.String())
	}
}

// cmdline is the kernel command line (proc(5)); empty where there is no /proc.
func cmdline() string {
	b, _ := readFile("/proc/cmdline")
	for len(b) > 0 && b[len(b)-1] == '\n' {
		b = b[:len(b)-1]
	}
	return string(b)
}

// listDir is the names in a directory of the image; none where there is none.
func listDir(dir string) []string {
	names, _ := files.Names(dir, 256)
	return names
}

// readFile is os.ReadFile for the boot path: os would set up its poller first.
func readFile(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var room [1 << 10]byte // the usual file fits: the heap gets no more than its size
	b := room[:0]
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		got, err := unix.Read(fd, b[len(b):cap(b)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if got == 0 {
			return append(make([]byte, 0, len(b)), b...), nil
		}
		b = b[:len(b)+got]
		if len(b) > maxFile {
			return nil, &os.PathError{Op: "read", Path: path, Err: unix.EFBIG}
		}
	}
}

// maxFile bounds what PID 1 reads into memory, in bytes.
const maxFile = 1 << 20

// randomBoot is the number of this boot in the health records. It need not be a
// secret, only another one each time, so it never waits for entropy.
func randomBoot() uint32 {
	var b [4]byte
	if n, _ := unix.Getrandom(b[:], unix.GRND_NONBLOCK); n == len(b) {
		return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	}
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_REALTIME, &ts)
	return uint32(ts.Nano()) ^ uint32(ts.Nano()>>32)
}
