package launch

import (
	"unsafe"

	"github.com/beaminit/beaminit/internal/proc"
	"golang.org/x/sys/unix"
)

// assume gives up what the command is not to have: capabilities(7), in the order that
// "Transformation of capabilities during execve()" asks for. A user keeps those that
// are wanted as ambient ones; root gets at exec(2) what the bounding set has.
func (b *rights) assume() (what string, err error) {
	if b.drop && proc.Permitted(unix.CAP_SETPCAP) { // else the set is that of the container
		if err := dropBounding(b.wanted); err != nil {
			return "prctl(PR_CAPBSET_DROP)", err
		}
	}
	if !b.user {
		return b.lock()
	}
	if err := b.leaveKeys(); err != nil {
		return "keyctl", err
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return "prctl(PR_SET_KEEPCAPS)", err
	}
	// The calls of package syscall would reach for all threads; this one executes.
	_, _, errno := unix.RawSyscall(sysSetgroups, uintptr(len(b.groups)), uintptr(unsafe.Pointer(unsafe.SliceData(b.groups))), 0)
	if errno != 0 {
		return "setgroups", errno
	}
	if _, _, errno := unix.RawSyscall(sysSetresgid, uintptr(b.gid), uintptr(b.gid), uintptr(b.gid)); errno != 0 {
		return "setresgid", errno
	}
	if b.uid == 0 { // root in a group of its own
		return b.lock()
	}
	if _, _, errno := unix.RawSyscall(sysSetresuid, uintptr(b.uid), uintptr(b.uid), uintptr(b.uid)); errno != 0 {
		return "setresuid", errno
	}
	if err := keepCapabilities(b.wanted); err != nil {
		return "capset", err
	}
	b.noNew = true
	return b.lock()
}

// leaveKeys gives a user an empty session keyring: with the one of who started this program,
// an initramfs or root's login (pam_keyinit(8)), he would possess the keys in it, and may
// read what only their possessor may (keyrings(7)). A kernel without keys has nothing to
// leave; in a container that forbids the call they are the host's matter.
func (b *rights) leaveKeys() error {
	if b.uid == 0 {
		return nil
	}
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	if err == unix.ENOSYS || err == unix.EPERM {
		return nil
	}
	return err
}

// lock sees to it that no setuid program and no file capability gives the command what
// it has not, and closes the sandbox.
func (b *rights) lock() (what string, err error) {
	if !b.noNew {
		return "", nil
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return "prctl(PR_SET_NO_NEW_PRIVS)", err
	}
	if b.box != nil {
		return "landlock_restrict_self", b.box.enforce()
	}
	return "", nil
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
