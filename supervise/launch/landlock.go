package launch

import (
	"path"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sandbox is what a child keeps of what its user can reach, where the kernel can hold it
// to that (landlock(7)): it can execute this program and no other, reach the files that are
// named, and, where the kernel is new enough, bind no TCP port and signal no process but
// its own.
type Sandbox struct {
	Read    []string // with all below them; one that is not there is passed over
	Write   []string // the same, to write, make and remove files in; of a device, to control it too
	Make    []string // the same, and directories and links too; where one is not there, the nearest above it that is
	Links   []string // the same as Read, and to make and remove links and directories in; of the files there not one is opened
	Size    int64    // of a file that it writes, in bytes; 0: 1 MiB
	Connect bool     // TCP connections may be made
}

// Rights of landlock(7) over what is below a path.
const (
	readRights    = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	executeRights = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE
	writeRights   = readRights |
		unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
	makeRights = writeRights |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REFER
	linkRights = unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
	fileRights = executeRights |
		unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// handled are the rights that a kernel with that version of the interface knows, all of
// which are refused where no rule gives them (landlock(7), "Previous limitations").
func handled(abi int, connect bool) unix.LandlockRulesetAttr {
	a := unix.LandlockRulesetAttr{Access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}
	if abi >= 2 {
		a.Access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		a.Access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		a.Access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP
		if !connect {
			a.Access_net |= unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		}
	}
	if abi >= 5 {
		a.Access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		a.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return a
}

// LandlockABI is the version of the kernel's landlock(7); 0: it has none, or it is off.
func LandlockABI() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// ruleset is a Sandbox on its way into force.
type ruleset struct {
	fd     int // -1: the kernel has no Landlock
	rights uint64
}

// newRuleset makes one that gives nothing but to execute this program.
func newRuleset(connect bool) (*ruleset, error) {
	abi := LandlockABI()
	if abi == 0 {
		return &ruleset{fd: -1}, nil
	}
	attr := handled(abi, connect)
	size := unsafe.Sizeof(attr)
	if abi < 6 { // a kernel takes the size that it knows, and more only where it is zero
		size = unsafe.Offsetof(attr.Scoped)
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return nil, errno
	}
	unix.CloseOnExec(int(fd))
	r := &ruleset{int(fd), attr.Access_fs}
	return r, r.allow(self, executeRights)
}

// allow gives rights below a path; one that is not there gives nothing.
func (r *ruleset) allow(name string, rights uint64) error {
	if r.fd < 0 {
		return nil
	}
	at, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(at)
	var st unix.Stat_t
	if err := unix.Fstat(at, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= fileRights
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights & r.rights, Parent_fd: int32(at)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE,
		uintptr(r.fd), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// allowMade is allow for a directory that is yet to be made.
func (r *ruleset) allowMade(dir string) error {
	for unix.Access(dir, unix.F_OK) != nil && dir != "/" {
		dir = path.Dir(dir)
	}
	return r.allow(dir, makeRights)
}

// enforce holds this thread, and what is executed in it, to the rules. It wants
// no_new_privs.
func (r *ruleset) enforce() error {
	if r.fd < 0 {
		return nil
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), 0, 0); errno != 0 {
		return errno
	}
	return nil
}
