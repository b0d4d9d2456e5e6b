package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"golang.org/x/sys/unix"
)

// starter is the name under which this program, between the fork and the exec of the
// release, gives itself the limits and rights that the release is to have. They belong
// to a process, and set around the fork they would be PID 1's for that time: a limit of
// memory would be its end.
const starter = supervise.ChildName

// bounded is a program that starts p with what release.limits, .capabilities and
// .oom_score_adj say, and runs programs before that, as root. It becomes p, as the same
// process; and p itself, where nothing is said.
func bounded(p supervise.Program, c *config.Release, u *release.User, programs ...[]string) supervise.Program {
	args := []string{starter}
	if p.TTY {
		args = append(args, "says=3")
	}
	bare := len(args)
	for _, program := range programs {
		if len(program) > 0 {
			args = append(append(args, "run="+strconv.Itoa(len(program))), program...)
		}
	}
	if len(args) == bare && len(c.Limits) == 0 && len(c.Capabilities) == 0 && c.OOMScoreAdj == 0 {
		return p
	}
	for _, l := range c.Limits {
		args = append(args, "limit="+l)
	}
	if c.OOMScoreAdj != 0 {
		args = append(args, "oom="+strconv.Itoa(c.OOMScoreAdj))
	}
	if u != nil || len(c.Capabilities) > 0 {
		args = append(args, "capabilities="+strings.Join(c.Capabilities, ","))
	}
	if u != nil {
		args = append(args, "uid="+numbers([]uint32{u.UID}), "gid="+numbers([]uint32{u.GID}), "groups="+numbers(u.Groups))
	}
	args = append(append(args, "--", p.Path), p.Argv...)
	b := supervise.Program{Path: "/proc/self/exe", Argv: args, Env: p.Env, Dir: p.Dir, Heart: p.Heart, Notify: p.Notify, TTY: p.TTY, Says: p.TTY}
	if u != nil {
		b.UID = int(u.UID)
	}
	return b
}

func numbers(list []uint32) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.FormatUint(uint64(n), 10)
	}
	return strings.Join(words, ",")
}

// start is that program. What it cannot give the release it says, as if it was the
// release's output; without the user and the capabilities asked for it does not go on.
func start(args []string) int {
	// The capabilities are a thread's: the one that executes the release has to be the
	// one that sets them.
	runtime.LockOSThread()
	b := bounds{says: 2}
	if err := supervise.UnblockSignals(); err != nil {
		b.complain("signals: " + err.Error())
	}
	i := 1
	for ; i < len(args) && args[i] != "--"; i++ {
		name, value, _ := strings.Cut(args[i], "=")
		if n, _ := strconv.Atoi(value); name == "run" && n > 0 && i+n < len(args) {
			runFirst(args[i+1:i+1+n], firstLimit, b.says)
			i += n
			continue
		}
		if err := b.take(name, value); err != nil {
			b.complain(args[i] + ": " + err.Error())
			if name != "limit" && name != "oom" {
				return 126
			}
		}
	}
	if i+2 >= len(args) {
		b.complain("is for PID 1 to call")
		return 2
	}
	if b.uid != 0 { // /dev/stdout can be opened by its own user only
		unix.Fchown(1, b.uid, b.gid)
	}
	if what, err := b.become(); err != nil {
		b.complain(what + ": " + err.Error() + "; the release is not started")
		return 126
	}
	err := unix.Exec(args[i+1], args[i+2:], os.Environ())
	b.complain("exec " + args[i+1] + ": " + err.Error())
	return 127
}

// bounds are the rights of the release.
type bounds struct {
	says     int  // the descriptor that PID 1 hears
	drop     bool // of capabilities all but those wanted
	wanted   uint64
	uid, gid int // uid 0: root
	groups   []uint32
}

func (b *bounds) complain(text string) { unix.Write(b.says, []byte(starter+": "+text+"\n")) }

// take reads one of the arguments that bounded makes. What belongs to the whole process
// is set at once, as long as root may do it.
func (b *bounds) take(name, value string) (err error) {
	switch name {
	case "says":
		b.says, err = id(value)
		unix.CloseOnExec(b.says)
	case "limit":
		return setLimit(value)
	case "oom":
		return boot.WriteText("/proc/self/oom_score_adj", 0, 0, value)
	case "capabilities":
		b.drop = true
		for _, word := range strings.Split(value, ",") {
			if n, ok := config.Capability(word); ok {
				b.wanted |= 1 << n
			}
		}
	case "uid":
		b.uid, err = id(value)
	case "gid":
		b.gid, err = id(value)
	case "groups":
		for _, word := range strings.Split(value, ",") {
			n, err := id(word)
			if err != nil {
				return err
			}
			b.groups = append(b.groups, uint32(n))
		}
	default:
		return unix.EINVAL
	}
	return err
}

func id(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return int(n), err
}

func setLimit(s string) error {
	name, value, _ := strings.Cut(s, "=")
	resource, ok := config.Limit(name)
	soft, hard, fine := config.ParseLimit(value)
	if !ok || !fine {
		return unix.EINVAL
	}
	err := unix.Setrlimit(resource, &unix.Rlimit{Cur: soft, Max: hard})
	var old unix.Rlimit
	if err == nil || unix.Getrlimit(resource, &old) != nil || hard <= old.Max {
		return err
	}
	// Even root may be refused more: in a container, or above fs.nr_open.
	if less := unix.Setrlimit(resource, &unix.Rlimit{Cur: min(soft, old.Max), Max: old.Max}); less != nil {
		return less
	}
	return fmt.Errorf("%w; the highest is %d, which is used", err, old.Max)
}

// become gives up what the release is not to have: capabilities(7), in the order that
// "Transformation of capabilities during execve()" asks for. A user keeps those that
// are wanted as ambient ones; root gets at exec(2) what the bounding set has.
func (b *bounds) become() (what string, err error) {
	if b.drop {
		if err := dropBounding(b.wanted); err != nil {
			return "prctl(PR_CAPBSET_DROP)", err
		}
	}
	if b.uid == 0 {
		return "", nil
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return "prctl(PR_SET_KEEPCAPS)", err
	}
	// The calls of package syscall would reach for all threads; this one executes.
	if _, _, errno := unix.RawSyscall(sysSetgroups, uintptr(len(b.groups)), uintptr(unsafe.Pointer(unsafe.SliceData(b.groups))), 0); errno != 0 {
		return "setgroups", errno
	}
	if _, _, errno := unix.RawSyscall(sysSetresgid, uintptr(b.gid), uintptr(b.gid), uintptr(b.gid)); errno != 0 {
		return "setresgid", errno
	}
	if _, _, errno := unix.RawSyscall(sysSetresuid, uintptr(b.uid), uintptr(b.uid), uintptr(b.uid)); errno != 0 {
		return "setresuid", errno
	}
	if err := keepCapabilities(b.wanted); err != nil {
		return "release.capabilities", err
	}
	return "prctl(PR_SET_NO_NEW_PRIVS)", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// dropBounding takes all capabilities that are not wanted out of the bounding set, up
// to the last that the kernel has (EINVAL).
func dropBounding(wanted uint64) error {
	for i := 0; i < 64; i++ {
		if wanted&(1<<i) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(i), 0, 0, 0); err == unix.EINVAL {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// keepCapabilities makes the wanted ones, and no others, survive exec(2).
func keepCapabilities(wanted uint64) error {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	low, high := uint32(wanted), uint32(wanted>>32)
	data := [2]unix.CapUserData{
		{Effective: low, Permitted: low, Inheritable: low},
		{Effective: high, Permitted: high, Inheritable: high},
	}
	if err := unix.Capset(&h, &data[0]); err != nil {
		return err
	}
	for i := 0; i < 64; i++ {
		if wanted&(1<<i) != 0 {
			if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(i), 0, 0); err != nil {
				return err
			}
		}
	}
	return nil
}
