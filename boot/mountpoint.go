package boot

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// alreadyThere finds the mounts that the kernel would silently stack a second
// time, or on top of a /dev that somebody prepared. It refuses (EBUSY) the same
// super block on the same place; but proc (since Linux 5.8), tmpfs, ramfs, devpts
// and overlay have a new one for each mount, and a bind mount is never refused.
func alreadyThere(m *Mount) bool {
	switch {
	case m.Flags&unix.MS_REMOUNT != 0:
		return false
	case m.Flags&unix.MS_BIND != 0:
		var source, target unix.Stat_t
		return m.Source != m.Target && unix.Stat(m.Source, &source) == nil && unix.Stat(m.Target, &target) == nil &&
			source.Dev == target.Dev && source.Ino == target.Ino
	case m.Type == "proc":
		return isOurProc(m.Target)
	case stacks(m.Type):
		return isMountPoint(m.Target)
	}
	return false
}

func stacks(fstype string) bool {
	switch fstype {
	case "tmpfs", "devtmpfs", "devpts", "ramfs", "overlay":
		return true
	}
	return false
}

// isOurProc reports whether target is a proc of this process's pid namespace: its
// "self" is our own number then. In a new pid namespace an inherited /proc is not.
func isOurProc(target string) bool {
	var buf [16]byte
	n, err := unix.Readlink(target+"/self", buf[:])
	return err == nil && string(buf[:n]) == strconv.Itoa(unix.Getpid())
}

// isMountPoint compares the device of a directory with that of its parent: two
// calls of stat(2) instead of a walk through mountinfo. It does not see a bind
// mount of the same file system.
func isMountPoint(target string) bool {
	var here, above unix.Stat_t
	return unix.Stat(target, &here) == nil && unix.Stat(parent(target), &above) == nil && here.Dev != above.Dev
}

func parent(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

// holds reports whether the file system on target is the one of the device source.
func holds(target, source string) bool {
	var t, s unix.Stat_t
	return unix.Stat(target, &t) == nil && unix.Stat(source, &s) == nil && uint64(t.Dev) == uint64(s.Rdev)
}

// tighten gives a mount that was there before us the flags that we would have
// given it (a kernel with CONFIG_DEVTMPFS_MOUNT mounts /dev without any). Only
// flags of the mount are added; the super block and its data stay as they are.
func tighten(m *Mount) error {
	const wanted = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC // equal to the ST_* of statfs(2)
	var st unix.Statfs_t
	if err := unix.Statfs(m.Target, &st); err != nil {
		return fmt.Errorf("statfs %s: %w", m.Target, err)
	}
	has := uintptr(st.Flags) & wanted
	if m.Flags&wanted&^has == 0 {
		return nil
	}
	if err := unix.Mount("", m.Target, "", unix.MS_REMOUNT|unix.MS_BIND|has|m.Flags&wanted, ""); err != nil {
		return fmt.Errorf("mount %s: it is mounted already, and its flags cannot be changed: %w", *m, err)
	}
	return nil
}

func missing(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == unix.ENOENT
}

// makeMountPoint makes the directory, and those above it; for the bind mount of
// a file an empty file.
func makeMountPoint(m *Mount) error {
	for i := 1; i < len(m.Target); i++ {
		if m.Target[i] == '/' {
			if err := unix.Mkdir(m.Target[:i], 0o755); err != nil && missing(m.Target[:i]) {
				return err
			}
		}
	}
	var source unix.Stat_t
	if m.Flags&unix.MS_BIND != 0 && unix.Stat(m.Source, &source) == nil && source.Mode&unix.S_IFMT != unix.S_IFDIR {
		fd, err := unix.Open(m.Target, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
	return unix.Mkdir(m.Target, 0o755)
}

func noMountPoint(m *Mount, err error) error {
	if err == unix.EROFS {
		return fmt.Errorf("mount %s: the mount point is missing and the file system read-only (%w): "+
			"add an empty directory %s to the image", *m, err, m.Target)
	}
	return fmt.Errorf("mount %s: make the mount point: %w", *m, err)
}

// explain adds to an error of mount(2) what it means here and what would help.
func explain(m *Mount, err error) error {
	var help string
	switch err {
	case unix.ENODEV:
		help = ": the kernel does not know file system " + m.Type + ": build it in, or name its module in kernel.modules"
	case unix.ENOENT:
		help = ": " + m.Source + " is not there"
		if !missing(m.Source) { // ext4 without crc32c, for one
			help = ": the kernel lacks a module that " + m.Type + " needs (its log says which): name it in kernel.modules"
		}
	case unix.ENOTBLK:
		help = ": " + m.Source + " is no block device"
	case unix.EINVAL:
		help = ": no " + m.Type + " on it, or a word in its options that " + m.Type + " does not know (the kernel's log has more)"
		if m.Flags&unix.MS_REMOUNT != 0 {
			help = ": " + m.Target + " is no mount point, or a word in its options is unknown (the kernel's log has more)"
		}
	case unix.EACCES, unix.EROFS:
		help = ": " + m.Source + " is write-protected: add ro"
	case unix.EPERM:
		help = ": not allowed in this namespace"
		if m.Type != "" && !kernelKnows(m.Type) { // it says so of configfs, for one
			help = ": the kernel does not know file system " + m.Type + ": build it in, or name its module in kernel.modules"
		}
	case unix.EUCLEAN, unix.EBADMSG, unix.EIO:
		help = ": " + m.Source + " is damaged; want " + checker(m.Type) + " " + m.Source + ", before it is mounted"
	case unix.EBUSY:
		help = ": " + m.Source + " is mounted elsewhere with another ro/rw, or held by another program"
	}
	return fmt.Errorf("mount %s: %w%s", *m, err, help)
}

// kernelKnows says whether a type is in /proc/filesystems; so it does where that cannot be
// read.
func kernelKnows(fs string) bool {
	table, err := files.ReadFile("/proc/filesystems")
	for _, line := range strings.Split(string(table), "\n") {
		if _, name, ok := strings.Cut(line, "\t"); ok && name == fs {
			return true
		}
	}
	return err != nil
}

// checker is the program that mends a damaged file system.
func checker(fs string) string {
	switch fs {
	case "ext2", "ext3", "ext4":
		return "e2fsck -f"
	case "f2fs":
		return "fsck.f2fs -f"
	case "vfat":
		return "fsck.fat -a"
	case "xfs":
		return "xfs_repair"
	case "btrfs":
		return "btrfs check"
	}
	return "its fsck on"
}
