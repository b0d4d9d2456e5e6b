package node

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/handover"
)

// stageEnv carries what the first stage of a boot knows over to the second: the
// number of the boot, that of its last health record, and when the kernel started it.
// So the two are one boot for whoever reads the console.
const stageEnv = "BEAMINIT_STAGE"

// rootPause is the time between two attempts at the root.
const rootPause = 5 * time.Second

// inherit takes over from whoever was PID 1 before in this boot: one that fell, or
// the first stage.
func (n *node) inherit() {
	if r, err := handover.Inherited(); r != nil {
		n.takeOver(r, err)
		return
	}
	f := strings.Split(os.Getenv(stageEnv), ",")
	if len(f) == 3 {
		id, err1 := strconv.ParseUint(f[0], 16, 32)
		seq, err2 := strconv.ParseUint(f[1], 10, 32)
		ms, err3 := strconv.ParseUint(f[2], 10, 40)
		if err1 == nil && err2 == nil && err3 == nil {
			n.Boot, n.seq = uint32(id), uint32(seq)
			n.phases = append(n.phases, health.Phase{Name: "kernel", At: time.Duration(ms) * time.Millisecond})
			n.phase("root")
			return
		}
	}
	n.phase("kernel")
}

// handOver is the environment of the second stage.
func (n *node) handOver() []string {
	return append(os.Environ(), fmt.Sprintf("%s=%08x,%d,%d", stageEnv, n.Boot, n.seq, n.phases[0].At.Milliseconds()))
}

// enterRoot goes from the initramfs to the root file system of the image and
// begins anew there. Where the root does not come, it says so for as long as it
// takes, and can be told to reboot.
func (n *node) enterRoot() {
	self, err := boot.Self()
	if err != nil {
		n.say(health.Err, err)
	}
	n.Boot = randomBoot()
	n.bootingRecord("")
	info := func(line string) { n.console.Say(health.Notice, line) }
	n.awaitRoot(info)
	program := n.Config.Root.Program
	err = boot.ExecInit(program, self, append([]string{program}, os.Args[1:]...), n.handOver(), info)
	n.superviseNothing("no init in the root: " + err.Error())
}

// awaitRoot tries to make the root of the image "/", and comes back when it is. A node
// that nobody looks at is not to try for ever: it gives up, and reboots as panic= says.
func (n *node) awaitRoot(say func(string)) {
	root, begun := n.Config.Root, clock.Monotonic()
	n.openWatchdog()
	for attempt := 1; ; attempt++ {
		err := boot.SwitchRoot(root, max(root.Timeout-(clock.Monotonic()-begun), 0), n.petAndLoad, say)
		if err == nil {
			return
		}
		why, over := boot.GiveUpRoot(&root, attempt, clock.Monotonic()-begun, err)
		n.console.Say(health.Err, why)
		n.earlyRecord(health.Booting, why)
		if over {
			n.giveUpRoot(why)
		}
		boot.Pause(rootPause, n.petAndPoll) // a root that cannot be mounted fails at once, and again
	}
}

// giveUpRoot reboots the node; it comes back where panic=0 says that it is to stay.
func (n *node) giveUpRoot(why string) {
	wait, stays := boot.PanicAction(Cmdline())
	if stays {
		n.console.Say(health.Err, "panic=0: the node stays as it is and goes on trying; SIGTERM or a power cycle ends it")
		return
	}
	n.console.Say(health.Err, "reboot in "+wait.String()+" (panic=)")
	n.earlyRecord(health.Stopping, why)
	boot.Pause(wait, n.petAndPoll)
	n.beginHistory()
	n.remember(history.Entry{Kind: history.Down, Why: "reboot: " + why})
	n.shutdown(config.Reboot)
}

// petAndPoll is interrupted for a wait that is not the end of the machine: the watchdog is
// petted.
func (n *node) petAndPoll() bool {
	n.watchdog.Pet()
	return n.pollSignals()
}

// petAndLoad is the same for a wait for a disk.
func (n *node) petAndLoad() bool {
	n.loadModules(nil)
	return n.petAndPoll()
}

// bootingRecord is early for a boot that goes on.
func (n *node) bootingRecord(why string) { n.earlyRecord(health.Booting, why) }

// earlyRecord writes a health record from before there is a supervisor.
func (n *node) earlyRecord(state health.State, why string) {
	n.seq++
	n.console.Health(health.Record{
		Boot: n.Boot, Seq: n.seq, Up: clock.Uptime(), Node: n.nodeName(), State: state,
		Peers: peerCount(n.Config), Why: why, Version: n.build.Version, Phases: n.phases,
	})
}

// pollSignals is asked by whatever waits during the boot. It does not return from a
// signal that ends the node.
func (n *node) pollSignals() bool {
	select {
	case sig := <-n.signals.Listen():
		n.handleSignal(sig)
	default:
	}
	return false
}

// handleSignal goes down when a signal asks for it, before anything has been started.
func (n *node) handleSignal(sig os.Signal) {
	if action, why := supervise.ActionOf(sig); action != "" {
		why = string(action) + " asked for by " + why
		n.console.Say(health.Notice, why)
		n.beginHistory()
		n.remember(history.Entry{Kind: history.Down, Asked: true, Why: why})
		n.shutdown(action)
	}
}
