package node

import (
	"errors"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config/tmpfiles"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"

	"golang.org/x/sys/unix"
)

// How long the programs of an image may take that PID 1 waits for, and how much of
// what they write it reads, in bytes.
const (
	idLimit    = 5 * time.Second
	IDSize     = 64
	killLimit  = time.Second // from SIGKILL until it is left to itself
	askQuantum = 5 * time.Millisecond
)

// RunProgram runs a program and gives what it writes to its standard output. It is for
// PID 1 before and after its loop, when nobody else waits for children. It comes back
// in time whatever the program does: one that takes longer is killed with all that it
// started in its session. A program that a daemon outlives is not waited for longer.
func RunProgram(argv []string, limit time.Duration, size int, stderr bool) (out []byte, err error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, programError("pipe", err.Error())
	}
	defer unix.Close(pipe[0])
	null, _ := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	defer unix.Close(null)
	unix.SetNonblock(pipe[1], false)
	files := []int{null, pipe[1], null}
	if stderr {
		files[2] = pipe[1]
	}
	c := launch.Command{Path: argv[0], Argv: argv, Env: launch.ProgramEnv(), Dir: "/", Away: true}
	pid, err := c.Spawn(pipe[1], files...)
	unix.Close(pipe[1])
	if err != nil {
		return nil, programError("exec "+argv[0], err.Error())
	}
	status, late, ended := DrainChild(pid, pipe[0], limit, func(b []byte) {
		out = append(out, b[:min(len(b), size-len(out))]...)
	})
	what := "not done within " + limit.String() + ", killed"
	switch {
	case late && !ended:
		what += ", and still there"
	case !late && status == 0:
		return out, nil
	case !late && status.ExitStatus() == 127: // the exec helper may have said why
		if why, ok := strings.CutPrefix(string(out), launch.HelperName+": "); ok {
			return nil, errors.New(strings.TrimSpace(why))
		}
		what = proc.Describe(status)
	case !late:
		what = proc.Describe(status)
	}
	return out, programError(argv[0], what)
}

func programError(program, what string) error { return errors.New(program + ": " + what) }

// DrainChild reads what a child writes until the child has ended.
func DrainChild(pid, fd int, limit time.Duration, take func([]byte)) (status unix.WaitStatus, late, ended bool) {
	deadline := clock.Boottime() + limit
	var buf [512]byte
	open := true
	for {
		got, err := unix.Read(fd, buf[:])
		if got > 0 {
			take(buf[:got])
			if clock.Boottime() < deadline { // it may write for ever
				continue
			}
		}
		if ended {
			return status, late, true
		}
		open = open && err == unix.EAGAIN
		if done, err := unix.Wait4(pid, &status, unix.WNOHANG, nil); done == pid || err == unix.ECHILD {
			ended = true
			continue // to read what it wrote last
		}
		switch now := clock.Boottime(); {
		case now < deadline:
		case late:
			return status, true, false
		default:
			late, deadline = true, now+killLimit
			unix.Kill(-pid, unix.SIGKILL)
			unix.Kill(pid, unix.SIGKILL) // it may not have a session yet
		}
		if open {
			unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(askQuantum/time.Millisecond))
		} else {
			pause := unix.NsecToTimespec(int64(askQuantum / 10))
			unix.Nanosleep(&pause, nil)
		}
	}
}

// askID asks a program for the board's id, for config. The first stage of a boot has no
// such program, and needs no name.
func askID(argv []string) ([]byte, error) {
	if boot.InInitramfs() && unix.Stat(argv[0], &unix.Stat_t{}) == unix.ENOENT {
		return []byte("00000000"), nil
	}
	return RunProgram(argv, idLimit, IDSize, false)
}

// MissingPrograms is for a plan: programs that the configuration names and the image
// has not.
func (n *Setup) MissingPrograms() (problems []error) {
	r := &n.Config.Release
	id := strings.Fields(n.Config.Node.ID)
	if len(id) > 0 && id[0][0] != '/' { // file:
		id = nil
	}
	type program struct {
		key  string
		argv []string
	}
	programs := []program{
		{"node.id", id}, {"release.pre_run", r.PreRun}, {"release.run_on_exit", r.RunOnExit}, {"release.wrapper", r.Wrapper},
	}
	for _, argv := range r.RunOnce {
		programs = append(programs, program{"release.run_once", argv})
	}
	programs = append(programs, program{"supervise.fallback_exec", n.Config.Supervise.FallbackExec},
		program{"update.confirm", n.Config.Update.Confirm}, program{"update.reject", n.Config.Update.Reject})
	for i := range n.Config.Services {
		programs = append(programs, program{"service", n.Config.Services[i].Exec})
	}
	for _, p := range programs {
		if len(p.argv) == 0 || p.argv[0] == "" || p.key == "release.wrapper" && p.argv[0][0] != '/' {
			continue // a wrapper without a path is one of the ERTS
		}
		file := path.Join("/", p.argv[0]) // a relative one, of erlinit, is from the root on
		if n.Image.MountedLater(file) {
			continue
		}
		if err := release.CheckProgram(n.Image.Root, file); err != nil {
			problems = append(problems, n.problem(p.key, p.argv[0]+": "+err.Error(), "a program of the image", ""))
		}
	}
	return problems
}

// MissingTools is for a plan of an image: programs that a [[mount]] wants to make, check or grow its
// file system, and the image has not. An fstab asks for a check as a matter of habit: without
// its program there is none.
func (n *Setup) MissingTools() (problems []error) {
	for i := range n.Config.Mounts {
		m := &n.Config.Mounts[i]
		lacking := boot.LackingTools(m.Type, m.Format != "", m.Check && !n.Config.FromFstab(i), m.Grow != "", func(path string) bool {
			mode, err := n.Image.Root.Mode(path)
			return err == nil && mode&0o111 != 0
		})
		for _, what := range lacking {
			problems = append(problems, errors.New(n.Config.WhereMount(i)+": "+m.Target+" wants "+what+
				", which the image has not; want the package in the image"))
		}
	}
	return problems
}

// moduleDirs are where kernels have their modules; a merged /usr has both.
var moduleDirs = [...]string{"/lib/modules", "/usr/lib/modules"}

// MissingModules is for a plan of an image: modules that the configuration names, or the
// table by which it has others loaded, and a kernel of the image has not. Where the image has
// no modules at all, that is a note: whether they are built into the kernel cannot be seen.
func (n *Setup) MissingModules() (problems []error, note string) {
	names, autoload := n.Config.Kernel.Modules, n.Config.Kernel.Autoload
	if len(names) == 0 && !autoload || n.isLive() {
		return nil, ""
	}
	root := n.Image.Root
	for _, dir := range moduleDirs {
		kernels, _ := root.List(dir)
		for _, kernel := range kernels {
			alias := dir + "/" + kernel + "/modules.alias"
			if _, err := root.Mode(alias); autoload && err != nil {
				problems = append(problems, n.problem("kernel.autoload", alias+" is not in the image",
					"depmod(8) run where it is made", ""))
			}
			if len(names) == 0 {
				continue
			}
			for _, what := range boot.CheckModules(dir+"/"+kernel, names, root.Read, func(path string) bool {
				_, err := root.Mode(path)
				return err == nil
			}) {
				problems = append(problems, n.problem("kernel.modules", what,
					"the package with the module in the image, or its name taken out", ""))
			}
		}
		if len(kernels) > 0 {
			return problems, ""
		}
	}
	if len(names) == 0 {
		return nil, "kernel.autoload: the image has no /lib/modules: whether its kernel has all drivers built in cannot be seen here"
	}
	return nil, "kernel.modules: the image has no /lib/modules: whether its kernel has " + strings.Join(names, " ") + " cannot be seen here"
}

// ownerOf is whom a line of tmpfiles.d names: root, where it names nobody.
func (n *Setup) ownerOf(user, group string) (uid, gid uint32, err error) {
	if user != "" {
		u, err := release.FindUser(user, n.Image.Read)
		if err != nil {
			return 0, 0, err
		}
		if u != nil {
			uid = u.UID
		}
	}
	if group != "" {
		var u *release.User
		if u, err = u.InGroup(group, n.Image.Read); err == nil && u != nil {
			gid = u.GID
		}
	}
	return uid, gid, err
}

// makeTmpfiles makes what the image's tmpfiles.d asks for: a child does, where a disk or a
// network can make it wait.
func (n *node) makeTmpfiles() {
	lines := n.Config.Tmpfiles
	if len(lines) == 0 {
		return
	}
	var said []string
	var err error
	if !filesCanHang() {
		said = doTmpfiles(lines)
	} else if err = n.runJob(tmpfilesJob, tmpfilesLimit, lines, &said); err != nil {
		said = []string{err.Error()}
	}
	for _, line := range said {
		n.console.Say(health.Err, line)
	}
}

// doTmpfiles makes them, and gives what of them could not be made.
func doTmpfiles(lines []tmpfiles.Line) (said []string) {
	s := Setup{Image: Running()}
	for _, err := range boot.Tmpfiles(lines, s.ownerOf) {
		said = append(said, err.Error())
	}
	return said
}

// programs are those of the image that are run around the release, each in PID 1's own
// clean environment.
func (n *Setup) programs() (list []supervise.Program) {
	r := &n.Config.Release
	add := func(key, name string, when supervise.When, argv []string) {
		if len(argv) > 0 {
			c := launch.Command{Path: argv[0], Argv: argv, Env: launch.ProgramEnv(), Dir: "/", Away: true}
			list = append(list, supervise.Program{Key: key, Name: name, When: when, Command: c})
		}
	}
	for i, argv := range r.RunOnce {
		name := "run_once"
		if i > 0 {
			name += " " + strconv.Itoa(i+1)
		}
		add("release.run_once", name, supervise.BeforeFirst, argv)
	}
	add("release.run_on_exit", "run_on_exit", supervise.AfterEnd, r.RunOnExit)
	add("release.pre_run", "pre_run", supervise.BeforeEach, r.PreRun)
	return list
}

// linkRootDisk makes the names of the root's disk that boards with erlinit know, where
// something may use them.
func (n *node) linkRootDisk() {
	wanted := n.Config.FromErlinit()
	for i := range n.Config.Mounts {
		wanted = wanted || strings.HasPrefix(n.Config.Mounts[i].Source, "/dev/rootdisk")
	}
	if wanted {
		n.say(health.Err, boot.RootDisk())
	}
}
