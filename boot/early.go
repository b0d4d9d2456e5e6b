package boot

import (
	"fmt"

	"github.com/beaminit/beaminit/internal/files"
	"golang.org/x/sys/unix"
)

// The usual flags, and those of a file system with device nodes.
const (
	closed = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	nodes  = unix.MS_NOSUID | unix.MS_NOEXEC
)

// Early is the table of the mounts that come before everything else, in order.
// Sizes are of the node's memory, so that no log or dump in /run or /tmp can
// take it away from the release; nothing in them can be executed, be a device or
// change its user.
//
// The flags are as tight as work: /dev needs device nodes; nothing else does.
// See Documentation/filesystems/tmpfs.rst.
func Early() []Mount {
	return []Mount{
		{Source: "proc", Target: "/proc", Type: "proc", Flags: closed},
		{Source: "sysfs", Target: "/sys", Type: "sysfs", Flags: closed},
		{Source: "devtmpfs", Target: "/dev", Type: "devtmpfs", Flags: nodes, Data: "mode=0755"},
		{Source: "tmpfs", Target: "/run", Type: "tmpfs", Flags: closed, Data: "mode=0755,size=10%"},
		{Source: "tmpfs", Target: "/tmp", Type: "tmpfs", Flags: closed, Data: "mode=1777,size=10%"},
	}
}

// BoundedTmpfs is a file system of its own for a directory in /run that is the release's user's: what
// that fills is not what PID 1 and its children have to write to.
func BoundedTmpfs(dir string) Mount {
	return Mount{Source: "tmpfs", Target: dir, Type: "tmpfs", Flags: closed, Data: "mode=0700,size=10%,nr_inodes=10k"}
}

// Late is the table of the mounts that complete Early's: what a release does not
// need until its own code runs, so that its start need not wait for them.
//
// noexec on /dev/shm does not reach the memory of memfd_create(2), which the
// Erlang JIT uses. ptmxmode=666 makes /dev/pts/ptmx usable beside /dev/ptmx.
// See Documentation/filesystems/devpts.rst and admin-guide/cgroup-v2.rst.
func Late() []Mount {
	return []Mount{
		{Source: "devpts", Target: "/dev/pts", Type: "devpts", Flags: nodes, Data: "gid=5,mode=620,ptmxmode=666"},
		{Source: "tmpfs", Target: "/dev/shm", Type: "tmpfs", Flags: closed, Data: "mode=1777,size=25%"},
		{Source: "cgroup2", Target: "/sys/fs/cgroup", Type: "cgroup2", Flags: closed,
			Data: "nsdelegate,memory_recursiveprot", Optional: true},
		{Source: "pstore", Target: "/sys/fs/pstore", Type: "pstore", Flags: closed, Optional: true},
	}
}

// The links that programs expect in /dev and that devtmpfs does not have.
var devLinks = [...]struct{ to, name string }{
	{"/proc/self/fd", "/dev/fd"},
	{"/proc/self/fd/0", "/dev/stdin"},
	{"/proc/self/fd/1", "/dev/stdout"},
	{"/proc/self/fd/2", "/dev/stderr"},
}

// The nodes without which nothing lives, for a /dev without devtmpfs
// (Documentation/admin-guide/devices.txt). An Erlang VM without /dev/null turns
// in a loop for ever and says nothing.
var devNodes = [...]struct {
	name         string
	major, minor uint32
	mode         uint32
}{
	{"/dev/null", 1, 3, 0o666},
	{"/dev/zero", 1, 5, 0o666},
	{"/dev/full", 1, 7, 0o666},
	{"/dev/random", 1, 8, 0o666},
	{"/dev/urandom", 1, 9, 0o666},
	{"/dev/kmsg", 1, 11, 0o644},
	{"/dev/tty", 5, 0, 0o666},
	{"/dev/console", 5, 1, 0o600},
	{"/dev/ptmx", 5, 2, 0o666},
}

// fillDev makes what belongs into /dev, after the mount of devtmpfs ended with
// err. Where it failed, a tmpfs stands in for it; a /dev that somebody prepared
// without /dev/null gets the basic nodes too.
func fillDev(err error) error {
	if !isNull("/dev/null") {
		if err != nil {
			dev := Mount{Source: "tmpfs", Target: "/dev", Type: "tmpfs", Flags: unix.MS_NOSUID | unix.MS_NOEXEC, Data: "mode=0755,size=1m"}
			if instead := mountOne(&dev); instead != nil {
				return fmt.Errorf("%w; nor can a tmpfs stand in for it: %w", err, instead)
			}
			err = fmt.Errorf("%w; a tmpfs with the basic nodes stands in for it (no disks)", err)
		}
		if failed := makeNodes(); failed != nil {
			return failed
		}
	}
	return err
}

// MountLate makes the mounts of Late and the links in /dev.
func MountLate() []error {
	// A failure of these shows where they are used; on a /dev that was there
	// before, they exist.
	unix.Mkdir("/dev/pts", 0o755)
	unix.Mkdir("/dev/shm", 0o755)
	for i := range devLinks {
		unix.Symlink(devLinks[i].to, devLinks[i].name)
	}
	return MountAll(Late())
}

// NeedLate says whether a mount of the plan stands on one of Late's, or takes
// something from there: then those have to be made first.
func NeedLate(plan []Mount) bool {
	for _, l := range Late() {
		for i := range plan {
			if files.Below(plan[i].Target, l.Target) || files.Below(plan[i].Source, l.Target) {
				return true
			}
		}
	}
	return false
}

func isNull(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && uint64(st.Rdev) == unix.Mkdev(1, 3)
}

func makeNodes() error {
	for i := range devNodes {
		n := &devNodes[i]
		if err := unix.Mknod(n.name, unix.S_IFCHR|n.mode, int(unix.Mkdev(n.major, n.minor))); err != nil && err != unix.EEXIST {
			return fmt.Errorf("mknod %s: %w", n.name, err)
		}
		// mknod(2) subtracts the umask.
		if err := unix.Chmod(n.name, n.mode); err != nil {
			return fmt.Errorf("chmod %s: %w", n.name, err)
		}
	}
	return nil
}
