// Package launch starts a child of PID 1. What a child is to be, a Command, says what is
// executed, as whom, and with which limits and rights. These belong to a process: set
// around the fork they would be PID 1's for that time, and a limit of memory would be its
// end. So between the fork and the exec of the child stands this same program, the exec
// helper (Main), which gives itself what the child is to have, in the order that works,
// and becomes it: the child is the same process. A child that is to have nothing of
// its own is executed at once.
package launch

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is a process to start, as execve(2) wants it.
type Command struct {
	Path      string
	Argv, Env []string
	Dir       string
	TTY       bool   // its standard input becomes its controlling tty
	Away      bool   // Path or Dir may be on a disk that hangs: not PID 1, but the exec helper goes there
	Keep      string // a directory that is made for its user, and open as its next descriptor; empty: none
	Bounds    Bounds
}

// ProgramEnv is the environment of a program of the image that PID 1 runs as root. It is
// nothing of the release's: a PATH or a library that the release's user can write to would
// make that user root.
func ProgramEnv() []string {
	return []string{"HOME=/", "TERM=dumb", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
}

// WithEnv is an environment with further variables, which take the place of those of their names:
// of two of one name some programs heed the first, and some the last.
func WithEnv(env []string, more ...string) (all []string) {
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if !slices.ContainsFunc(more, func(m string) bool { return strings.HasPrefix(m, name+"=") }) {
			all = append(all, v)
		}
	}
	return append(all, more...)
}

// Bounds is what a child is to have of its own.
type Bounds struct {
	User         *syscall.Credential // nil: as PID 1 is; one that is not root gains no privilege by what it executes
	Capabilities []string            // by name; without any a user has none, and root all
	Limits       []string            // name=soft:hard, as config.ParseLimit reads them
	OOMScoreAdj  int                 // proc(5)
	Cgroup       string              // the directory of the cgroup that it runs in; empty: that of PID 1
	NoNewPrivs   bool                // PR_SET_NO_NEW_PRIVS (prctl(2)) for root too
	Sandbox      *Sandbox            // wants NoNewPrivs, and gives root the Capabilities named and no others; nil: none
}

// UID is the user that it runs as.
func (c *Command) UID() int {
	if c.Bounds.User == nil {
		return 0
	}
	return int(c.Bounds.User.Uid)
}

// Spawn starts the command with the descriptors given, from 0 on, in a session of its
// own, so that no other tty's signals reach it and what it leaves can be found. says is
// where the exec helper says what it could not do; it is no descriptor of the command.
//
// It must be called by the goroutine that also reaps: a child that is registered
// before the next wait4(2) cannot be taken for an orphan.
func (c Command) Spawn(says int, files ...int) (pid int, err error) {
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: c.Env, Sys: &syscall.SysProcAttr{Setsid: true, Setctty: c.TTY}}
	if c.Keep != "" {
		files = append(files[:len(files):len(files)], says) // to be replaced by the directory
	}
	for _, fd := range files {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	path, argv := c.Path, c.Argv
	if args := c.helperArgs(len(files)); args != nil {
		attr.Dir, attr.Files = "/", append(attr.Files, uintptr(says))
		path, argv = self, append(append(args, "--", c.Path), c.Argv...)
	}
	return syscall.ForkExec(path, argv, attr)
}

// self is this program, whatever has taken its place in the file system.
const self = "/proc/self/exe"

// helperArgs are the arguments of the exec helper, in the order in which it follows them;
// nil: none is needed. says is its own descriptor.
func (c *Command) helperArgs(says int) []string {
	bounds := c.boundsArgs()
	if len(bounds) == 0 && !c.Away && !signalsBlocked() {
		return nil
	}
	args := []string{HelperName, "says=" + strconv.Itoa(says)}
	if c.Dir != "" && c.Dir != "/" {
		args = append(args, "dir="+c.Dir)
	}
	return append(args, bounds...)
}

// boundsArgs are those for what the child is to have of its own.
func (c *Command) boundsArgs() (args []string) {
	b := &c.Bounds
	if b.Cgroup != "" {
		args = append(args, "cgroup="+b.Cgroup)
	}
	for _, l := range b.Limits {
		args = append(args, "limit="+l)
	}
	if b.OOMScoreAdj != 0 {
		args = append(args, "oom="+strconv.Itoa(b.OOMScoreAdj))
	}
	if c.UID() != 0 || len(b.Capabilities) > 0 || b.Sandbox != nil {
		args = append(args, "capabilities="+strings.Join(b.Capabilities, ","))
	}
	if b.NoNewPrivs {
		args = append(args, "no_new_privs=1")
	}
	if u := b.User; u != nil {
		args = append(args, "uid="+numbers(u.Uid), "gid="+numbers(u.Gid), "groups="+numbers(u.Groups...))
	}
	if c.Keep != "" {
		args = append(args, "keep="+c.Keep)
	}
	if box := b.Sandbox; box != nil { // behind Keep, which may be in it
		args = append(args, "sandbox="+strconv.FormatBool(box.Connect))
		for _, path := range box.Read {
			args = append(args, "read="+path)
		}
		for _, path := range box.Write {
			args = append(args, "write="+path)
		}
		for _, path := range box.Make {
			args = append(args, "make="+path)
		}
		for _, path := range box.Links {
			args = append(args, "links="+path)
		}
	}
	return args
}

func numbers(list ...uint32) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.FormatUint(uint64(n), 10)
	}
	return strings.Join(words, ",")
}

// YieldCPU leaves the CPU to the child that was just started. On a machine with one
// CPU the kernel wakes PID 1 in the middle of the child's exec, and all that PID 1
// does then would come before the first instruction of the release. A sleep, because
// sched_yield(2) was measured to change nothing here.
func YieldCPU() {
	pause := unix.NsecToTimespec(int64(time.Millisecond))
	unix.Nanosleep(&pause, nil)
}
