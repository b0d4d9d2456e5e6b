package node

import (
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/boot/devices"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/config/tmpfiles"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/handover"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/launch"
)

// The jobs of PID 1: what it has a child do, because a disk, a network or the release's
// user can make it wait (package supervise, Job).
const (
	namesJob    = "names"    // reads the image's hosts and resolv.conf, and shows others in their place
	tmpfilesJob = "tmpfiles" // makes what the image's tmpfiles.d asks for
	disksJob    = "disks"    // mounts what the configuration has, and reads what the boot before left
	lateJob     = "late"     // the same for what comes later; it waits for that
	keyJob      = "key"      // reads the key of the health records
	releaseJob  = "release"  // finds the release, and makes everything ready for a start
	saveJob     = "save"     // keeps seed, time and machine-id
	seedJob     = "seed"     // the same, and credits the seed of the boot before
	historyJob  = "history"
	devicesJob  = "devices" // sets the device nodes that are there
	overlayJob  = "overlay" // mounts an overlay of the root
	modulesJob  = "modules" // loads those that are named, and what devices want
	moveJob     = "dumps"   // brings what was kept in memory to a disk that came late
)

// How long they may take, and the node waits for them.
const (
	disksLimit    = time.Minute // a journal that is long, a check of a file system
	tmpfilesLimit = 10 * time.Second
	devicesLimit  = 5 * time.Second
	overlayLimit  = 10 * time.Second
	modulesLimit  = 30 * time.Second
	keyLimit      = 5 * time.Second
	releaseLimit  = 10 * time.Second
	saveLimit     = 30 * time.Second
	historyLimit  = 30 * time.Second
)

// job is a kind of job: what is done of its order, and the least that its child needs for
// it. All are root's, whose files it is about, so that the release's user cannot get at one
// (ptrace(2)).
type job struct {
	do func(order []byte) (answer any, err error)
	// capabilities are those of capabilities(7) that its work takes.
	capabilities []string
	// reach is what it reaches in the file system; nil: anything, with a reason.
	reach func(n *Setup, order any) launch.Sandbox
}

// The capabilities of work in directories that may be another user's: to look at what is
// there, and to make something there and give it to its owner.
var (
	reads  = []string{"dac_read_search"}
	writes = []string{"chown", "dac_override", "fowner"}
	mounts = append([]string{"sys_admin", "dac_read_search", "fsetid", "linux_immutable", "mknod", "setfcap", "sys_resource"}, writes...)
)

// work is what each of them does, of its order and with its answer.
var work = map[string]job{
	// A process that is held by Landlock can mount nothing (landlock(7)). What it mounts
	// keeps the capabilities it was mounted with: an overlay makes its copies with them
	// (kernel Documentation/filesystems/overlayfs.rst, "Permission model").
	disksJob: {func(b []byte) (any, error) { return do(b, disks) }, mounts, nil},
	lateJob:  {func(b []byte) (any, error) { return do(b, lateDisks) }, mounts, nil},
	tmpfilesJob: {func(b []byte) (any, error) { return do(b, func(l *[]tmpfiles.Line) any { return doTmpfiles(*l) }) },
		append([]string{"fsetid"}, writes...), reachTmpfiles},
	// Of these it has what its order takes: deviceBounds.
	devicesJob: {func(b []byte) (any, error) { return do(b, func(o *devices.Orders) any { return devices.Apply(*o) }) },
		append(slices.Clip(deviceRights), diskRights...), nil},
	// As disksJob.
	overlayJob: {func(b []byte) (any, error) { return do(b, mountOverlay) }, mounts, nil},
	modulesJob: {func(b []byte) (any, error) { return do(b, modules) }, moduleRights,
		func(*Setup, any) launch.Sandbox { return reachModules() }},
	// As disksJob.
	namesJob:   {func(b []byte) (any, error) { return do(b, doNames) }, []string{"sys_admin", "dac_override"}, nil},
	keyJob:     {func(b []byte) (any, error) { return do(b, readKey) }, reads, reachKey},
	releaseJob: {func(b []byte) (any, error) { return do(b, lookFor) }, writes, reachRelease},
	saveJob:    {func(b []byte) (any, error) { return do(b, save) }, reads, reachSave},
	// RNDADDENTROPY is for CAP_SYS_ADMIN alone (random(4)).
	seedJob: {func(b []byte) (any, error) { return do(b, save) }, append([]string{"sys_admin"}, reads...), reachSave},
	historyJob: {func(b []byte) (any, error) { return do(b, func(j *history.Job) any { return j.Do() }) }, reads,
		func(_ *Setup, order any) launch.Sandbox {
			return launch.Sandbox{Make: []string{order.(*history.Job).Dir}}
		}},
	supervise.CollectJob: {func(b []byte) (any, error) { return do(b, evidenceOf) }, reads,
		func(_ *Setup, order any) launch.Sandbox {
			j := order.(*evidence.Job)
			return launch.Sandbox{Read: []string{path.Dir(j.Dumps.Dump(j.Run))}}
		}},
	moveJob: {func(b []byte) (any, error) { return do(b, func(m *evidence.Move) any { return m.Do() }) }, writes, reachMove},
	handover.ProgramJob: {func(b []byte) (any, error) { return do(b, checkProgram) }, reads,
		func(*Setup, any) launch.Sandbox { return launch.Sandbox{Read: []string{"/"}} }},
	supervise.EvidenceJob: {func(b []byte) (any, error) { return do(b, evidenceOf) }, writes,
		func(_ *Setup, order any) launch.Sandbox {
			d := &order.(*evidence.Job).Dumps
			box := launch.Sandbox{Make: []string{d.Dir}}
			if d.Open { // the mode of the one above is changed
				box.Read = []string{path.Dir(d.Dir)}
			}
			return box
		}},
}

func reachMove(_ *Setup, order any) launch.Sandbox {
	m := order.(evidence.Move)
	return launch.Sandbox{Make: []string{m.From, m.To.Dir}, Read: []string{path.Dir(m.To.Dir)}, Size: memoryDumpBytes}
}

func reachTmpfiles(_ *Setup, order any) launch.Sandbox {
	box := launch.Sandbox{Read: []string{"/"}}
	for _, t := range order.([]tmpfiles.Line) {
		box.Make = append(box.Make, path.Dir(path.Clean(t.Path)))
	}
	return box
}

func reachKey(_ *Setup, order any) launch.Sandbox {
	return launch.Sandbox{Read: []string{order.(string)}}
}

// reachRelease: what a release is made of can lie anywhere; what is made ready for it is in
// three places.
func reachRelease(n *Setup, _ any) launch.Sandbox {
	r := &n.Config.Release
	box := launch.Sandbox{Read: []string{"/"}, Make: []string{RunDir, r.Tmp}}
	for _, v := range r.Env {
		if home, is := strings.CutPrefix(v, "HOME="); is {
			box.Make = append(box.Make, home)
		}
	}
	return box
}

func reachSave(_ *Setup, order any) launch.Sandbox {
	return launch.Sandbox{Make: []string{order.(boot.Save).Dir}, Write: []string{"/dev/urandom"}}
}

// jobBounds is what the child may do that does a job.
func (n *Setup) jobBounds(j *jobs.Job) launch.Bounds {
	kind := work[j.Name]
	if o, is := j.Order.(devices.Orders); is {
		return deviceBounds(&o)
	}
	if kind.reach == nil {
		rights := kind.capabilities
		if o, is := j.Order.(disksOrder); is && o.Autoload != nil {
			rights = append(slices.Clip(rights), moduleRights...)
		}
		b := launch.Own(nil, launch.Sandbox{}, rights...)
		b.Sandbox = nil
		if wantTools(n.Config.Mounts) { // they have its limits, and a checker wants memory
			b.Limits = []string{"core=0"}
		}
		return b
	}
	return launch.Own(nil, kind.reach(n, j.Order), kind.capabilities...)
}

func do[Order any](text []byte, f func(*Order) any) (any, error) {
	var order Order
	if err := json.Unmarshal(text, &order); err != nil {
		return nil, err
	}
	return f(&order), nil
}

// JobMain is the program that does them.
func JobMain(args []string) int {
	return jobs.Main(args, func(name string, order []byte) (any, error) {
		if j, is := work[name]; is {
			return j.do(order)
		}
		return nil, errors.New("no such job")
	})
}

func lookFor(o *releaseQuery) any { return o.setup().releaseFacts(o.Run, o.Start) }

func evidenceOf(j *evidence.Job) any { return j.Do() }

func checkProgram(path *string) any {
	if err := handover.CheckProgram(*path); err != nil {
		return err.Error()
	}
	return ""
}

func save(s *boot.Save) any { return boot.SaveState(*s) }

// keyAnswer is a key, or why there is none.
type keyAnswer struct {
	Key     []byte
	Problem string
}

func readKey(path *string) any {
	key, err := health.ReadKey(*path)
	if err != nil {
		return keyAnswer{Problem: err.Error()}
	}
	return keyAnswer{Key: key}
}

// disksOrder is what is to be mounted in which boot.
type disksOrder struct {
	Mounts []config.Mount
	Boot   uint32
	Reset  bool // what of it can be made anew, is

	Autoload *boot.Autoload // for a disk that is awaited; nil: no modules are loaded
}

// recalled is what came of it: what went wrong, and what the state directory tells a boot
// before the release starts.
type recalled struct {
	Errs []string
	Done []string // to be remembered
	Dir  string   // the state directory; empty: there is none
	boot.Recalled
	Failed   int // boots in a row before this one that did not come up
	FellBack bool
}

func disks(o *disksOrder) any {
	var k recalled
	say := func(errs ...error) {
		for _, err := range errs {
			if err != nil {
				k.Errs = append(k.Errs, err.Error())
			}
		}
	}
	plan, errs := boot.UserMounts(o.Mounts)
	say(errs...)
	t := tools(o.Mounts, func(line string) { k.Done = append(k.Done, line) })
	if o.Reset {
		say(boot.Reset(plan, t.Done)...)
	}
	mount := func() {
		say(boot.MountUser(plan, mountWait, func() bool {
			if o.Autoload != nil {
				k.Errs = append(k.Errs, o.Autoload.Present()...)
			}
			return false
		}, &t)...)
		k.Dir, errs = boot.FindState(plan)
		say(errs...)
	}
	mount()
	if asked := k.Dir; asked != "" && t.Run != nil && boot.ResetAsked(asked) {
		if !o.Reset {
			say(boot.Reset(plan, t.Done)...)
			mount()
		}
		say(boot.ForgetReset(asked))
	}
	if k.Dir != "" {
		k.Recalled = boot.Recall(k.Dir)
		k.Failed, k.FellBack = history.FailedBoots(k.Dir, o.Boot) // what is wrong with it is said by who writes it
	}
	return k
}

// runJob does a job before the loop, or after it. A signal that ends the node is obeyed
// meanwhile, and the watchdog petted.
func (n *node) runJob(name string, limit time.Duration, order, into any) error {
	return n.jobs.DoNow(jobs.Job{Name: name, Order: order, Limit: limit}, into, func() { n.petAndPoll() })
}

// inMemory says of a path that it is in a file system that PID 1 has mounted itself, where
// nobody waits for anything.
func inMemory(name string) bool {
	name = path.Clean(name) // a release may name its dump, with dots
	return strings.HasPrefix(name, RunDir+"/") || name == RunDir
}

// filesCanHang says that this node has file systems that can hang, besides the one that it runs
// from: what is looked for in files is a child's work then.
func filesCanHang() bool {
	list, errs := boot.Mounts()
	return errs != nil || boot.CanHang(list)
}
