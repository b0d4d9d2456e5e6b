package launch

import (
	"slices"
	"strconv"
	"syscall"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/proc"
	"github.com/beaminit/beaminit/internal/seccomp"
	"golang.org/x/sys/unix"
)

// The users of the children that listen to a network: each its own, because what runs as a
// user can do anything to what else does (ptrace(2)), and "nobody" is whom an image may let
// its release run as. No distribution gives these numbers to anybody (systemd,
// docs/UIDS-GIDS.md, "65520…65533").
const (
	MonitorUID   = 65533
	NetworkUID   = 65532
	DiscoveryUID = 65531
)

// Nobody is a user that is in no file, and its group.
func Nobody(uid uint32) *syscall.Credential { return &syscall.Credential{Uid: uid, Gid: uid} }

// IsOwnUser says that a user is one of those.
func IsOwnUser(uid uint32) bool { return uid >= DiscoveryUID && uid <= MonitorUID }

// Own are the bounds of a child that is this program under another name: it gains no
// privilege, has the capabilities named and no others, reaches what the sandbox has, leaves
// no core dump, writes no file, and opens no more than a few descriptors.
//
// There is no limit of processes: RLIMIT_NPROC counts all threads of a user, in all
// containers of a machine. Nor one of address space, of which a Go runtime reserves gigabytes.
// What it may fill is limited (RLIMIT_DATA).
func Own(user *syscall.Credential, box Sandbox, capabilities ...string) Bounds {
	file := "fsize=0"
	if len(box.Write)+len(box.Make) > 0 {
		file = "fsize=" + strconv.FormatInt(max(box.Size, 1<<20), 10)
	}
	box.Write = append(slices.Clip(box.Write), "/proc/self/comm") // its name, see proc.SetName
	user, capabilities = asFarAsPermitted(user, capabilities)
	if raceDetector {
		return Bounds{User: user, Capabilities: capabilities, NoNewPrivs: true}
	}
	return Bounds{
		User: user, Capabilities: capabilities, NoNewPrivs: true, Sandbox: &box,
		Limits: []string{"core=0", file, "nofile=256", "memlock=0", "msgqueue=0", "data=268435456"},
	}
}

// asFarAsPermitted is what PID 1 of a container can give: it may have been given no user
// and no capability to pass on. Its child is bound by the rest, and by what binds PID 1.
func asFarAsPermitted(user *syscall.Credential, capabilities []string) (*syscall.Credential, []string) {
	if !proc.Permitted(unix.CAP_SETUID) || !proc.Permitted(unix.CAP_SETGID) {
		user = nil
	}
	return user, slices.DeleteFunc(slices.Clone(capabilities), func(name string) bool {
		n, ok := config.Capability(name)
		return ok && !proc.Permitted(n)
	})
}

// Missing says what this kernel has not of what holds the children to their bounds, one
// line each; it is no reason to start them otherwise.
func Missing() (lines []string) {
	if LandlockABI() == 0 {
		lines = append(lines, "the kernel has no Landlock (CONFIG_SECURITY_LANDLOCK, lsm=landlock,...): "+
			"what keeps the children of PID 1 from a file is its mode")
	}
	if !seccomp.Available() {
		lines = append(lines, "no system call is refused to the children that read the network: "+
			"the kernel has no CONFIG_SECCOMP_FILTER, or there is no list for its architecture")
	}
	return lines
}
