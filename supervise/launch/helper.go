package launch

import (
	"fmt"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/supervise/cgroup"
	"golang.org/x/sys/unix"
)

// HelperName is the name under which this program is the exec helper.
const HelperName = "beaminit-start"

// Main is the exec helper: arguments as helperArgs makes them, "--", the path of the
// command and its own arguments. What it cannot give the command it says; without the user
// and the capabilities asked for it does not go on (exit status 126, 127: exec failed).
func Main(args []string) int {
	// The capabilities are a thread's: the one that executes the release has to be the
	// one that sets them.
	runtime.LockOSThread()
	b := rights{says: 2}
	if err := unblockSignals(); err != nil {
		b.complain("signals: " + err.Error())
	}
	i := 1
	for ; i < len(args) && args[i] != "--"; i++ {
		name, value, _ := strings.Cut(args[i], "=")
		if err := b.take(name, value); err != nil {
			b.complain(args[i] + ": " + err.Error())
			if name != "limit" && name != "oom" && name != "cgroup" {
				return 126
			}
		}
	}
	if i+2 >= len(args) {
		b.complain("is for PID 1 to call")
		return 2
	}
	if b.user { // /dev/stdout can be opened by its own user only
		unix.Fchown(1, b.uid, b.gid)
	}
	if what, err := b.assume(); err != nil {
		b.complain(what + ": " + err.Error() + "; " + args[i+1] + " is not started")
		return 126
	}
	err := unix.Exec(args[i+1], args[i+2:], os.Environ())
	b.complain("exec " + args[i+1] + ": " + err.Error())
	return 127
}

// rights is what the process is to have.
type rights struct {
	says     int  // the descriptor that PID 1 hears
	drop     bool // of capabilities all but those wanted
	wanted   uint64
	user     bool // uid, gid and groups are given
	uid, gid int
	groups   []uint32
	noNew    bool // PR_SET_NO_NEW_PRIVS
	box      *ruleset
	keep     string // a directory to be open as the descriptor before says
}

func (b *rights) complain(text string) { unix.Write(b.says, []byte(HelperName+": "+text+"\n")) }

// take reads one of those arguments. What belongs to the whole process
// is set at once, as long as root may do it.
func (b *rights) take(name, value string) (err error) {
	switch name {
	case "says":
		b.says, err = id(value)
		// It is behind the command's own. What PID 1 got from who started it, such as an
		// initramfs, is not for the command either (close_range(2), Linux 5.11).
		if unix.CloseRange(uint(b.says), math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) != nil {
			unix.CloseOnExec(b.says)
		}
	case "dir":
		return unix.Chdir(value)
	case "keep":
		b.keep = value
		b.openKept()
	case "no_new_privs":
		b.noNew = true
	case "sandbox":
		b.box, err = newRuleset(value == "true")
	case "read", "write", "make", "links":
		return b.open(name, value)
	case "cgroup":
		return cgroup.Enter(value)
	case "limit":
		return setLimit(value)
	case "oom":
		return os.WriteFile("/proc/self/oom_score_adj", []byte(value), 0)
	case "capabilities":
		b.drop = true
		for _, word := range strings.Split(value, ",") {
			if n, ok := config.Capability(word); ok {
				b.wanted |= 1 << n
			}
		}
	case "uid":
		b.user = true
		b.uid, err = id(value)
	case "gid":
		b.gid, err = id(value)
	case "groups":
		for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' }) {
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

// open opens the sandbox for what is below a path, as long as root may look there.
func (b *rights) open(name, path string) error {
	if b.box == nil {
		return unix.EINVAL
	}
	switch name {
	case "make":
		return b.box.allowMade(path)
	case "write":
		return b.box.allow(path, writeRights)
	case "links":
		return b.box.allow(path, linkRights)
	}
	return b.box.allow(path, readRights)
}

// openKept makes the directory that is to be the user's own, in one of root's, and opens it.
// Without it the command does without.
func (b *rights) openKept() {
	above, err := files.MakeDir(path.Dir(b.keep), 0o700, files.Rule{})
	if err == nil {
		defer above.Close()
		var dir *files.Dir
		if dir, err = above.MakeDir(path.Base(b.keep), 0o700, files.Rule{Any: true}); err == nil {
			defer dir.Close()
			if err = dir.Chown(uint32(b.uid), uint32(b.gid)); err == nil {
				err = dir.Become(b.says - 1)
			}
		}
	}
	if err != nil {
		b.complain(b.keep + ": " + err.Error() + "; going on without it")
	}
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
