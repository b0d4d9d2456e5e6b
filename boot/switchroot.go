package boot

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/clock"
)

// newRoot is where the initramfs mounts the root before it becomes "/".
const newRoot = "/newroot"

// InInitramfs reports whether "/" lives in memory (rootfs is a ramfs or a tmpfs,
// Documentation/filesystems/ramfs-rootfs-initramfs.rst). Whether it is a stage on
// the way to another root or all there is, only root= tells: the caller asks both.
func InInitramfs() bool {
	var st unix.Statfs_t
	return unix.Statfs("/", &st) == nil && IsInMemory(&st)
}

// IsInMemory says of what statfs(2) gave whether it is a file system in memory.
func IsInMemory(st *unix.Statfs_t) bool {
	return uint32(st.Type) == unix.RAMFS_MAGIC || uint32(st.Type) == unix.TMPFS_MAGIC
}

// SwitchRoot is the whole way from the initramfs to the root of the image: wait
// for its device, mount it, take the early mounts along, make it "/", and give
// the memory of the initramfs back. Afterwards the caller executes the init of
// the new root (ExecInit). On an error "/" is still the initramfs. say gets what
// is worth a line and stops nothing.
// limit is how long it may wait for the device, beside what root says.
func SwitchRoot(root config.Root, limit time.Duration, interrupted func() bool, say func(string)) error {
	if err := Pause(root.Delay, interrupted); err != nil {
		return fmt.Errorf("rootdelay=: %w", err)
	}
	if root.Map != "" {
		if err := mapDevices(root.Map, rootLimit(&root, limit), interrupted); err != nil {
			return fmt.Errorf("root: dm-mod.create=: %w", err)
		}
	}
	node, err := waitDevice(root.Device, rootLimit(&root, limit), interrupted)
	if err != nil {
		return fmt.Errorf("root: %w", err)
	}
	if err := mountRoot(rootMount(root, node), strings.Split(root.Type, ","), say); err != nil {
		return err
	}
	return enterRoot(newRoot, say)
}

// Pause waits for d, or until interrupted, asked some four times a second, says so.
func Pause(d time.Duration, interrupted func() bool) error {
	for end := clock.Monotonic() + d; ; {
		left := end - clock.Monotonic()
		if left <= 0 {
			return nil
		}
		if interrupted != nil && interrupted() {
			return Interrupted
		}
		awaitNews(-1, min(left, pollTime))
	}
}

// rootMount is the mount that root=, rootflags= and ro or rw ask for. The words
// of rootflags= may be mount(8)'s too, which the kernel itself would refuse.
func rootMount(root config.Root, node string) Mount {
	o := options{flags: unix.MS_RDONLY}
	if root.Write {
		o.flags = 0
	}
	o.add(root.Flags)
	return Mount{Source: node, Target: newRoot, Type: root.Type, Flags: o.flags, Data: strings.Join(o.data, ",")}
}

// mountRoot mounts it as the first of the types that it is; read-only where the
// device is write-protected, as the kernel does.
func mountRoot(m Mount, types []string, say func(string)) error {
	var err error
	for _, t := range types {
		m.Type = t
		err = mountOne(&m)
		if m.Flags&unix.MS_RDONLY == 0 && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EROFS)) {
			m.Flags |= unix.MS_RDONLY
			say("root " + m.Source + " is write-protected: mounted read-only")
			err = mountOne(&m)
		}
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("root: %w", err)
}

// The mounts that move into the new root with all that is mounted on them.
var moved = [...]string{"/dev", "/proc", "/sys", "/run", "/tmp"}

// enterRoot makes the mount on dir the root of this process and the place of "/",
// and deletes what the old root has in memory. It is what switch_root(8) does:
// rootfs can be neither unmounted nor given to pivot_root(2).
func enterRoot(dir string, say func(string)) error {
	old, err := os.Open("/")
	if err != nil {
		return fmt.Errorf("the old root: %w", err)
	}
	defer old.Close()
	for _, from := range moved {
		err := unix.Mount(from, dir+from, "", unix.MS_MOVE, "")
		if err == unix.ENOENT && unix.Mkdir(dir+from, 0o755) == nil { // the root is writable
			err = unix.Mount(from, dir+from, "", unix.MS_MOVE, "")
		}
		switch err {
		case nil:
		case unix.EINVAL: // nothing is mounted there
		case unix.ENOENT, unix.ENOTDIR:
			if missing(from) {
				continue
			}
			// Unreachable after the switch: let it go, or its memory stays taken.
			unix.Unmount(from, unix.MNT_DETACH)
			say("the root has no directory " + from + ": what was mounted there is lost; add an empty directory " + from + " to the image")
		default:
			say("move " + from + " into the root: " + err.Error())
		}
	}
	if err := unix.Chdir(dir); err != nil {
		return fmt.Errorf("enter the new root %s: %w", dir, err)
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the new root to /: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("chroot to the new root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("chdir to the new root: %w", err)
	}
	if err := freeRoot(old); err != nil {
		say("free the memory of the initramfs: " + err.Error())
	}
	return nil
}

// freeRoot deletes all below the directory root, if and only if it is in memory and
// without leaving its file system: a mistake here would empty a disk.
func freeRoot(root *os.File) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(root.Fd()), &fs); err != nil {
		return fmt.Errorf("statfs: %w", err)
	}
	if !IsInMemory(&fs) {
		return fmt.Errorf("the old root is no ramfs or tmpfs (type %#x): nothing is deleted", uint32(fs.Type))
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(root.Fd()), &st); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	deleteBelow(root, uint64(st.Dev))
	return nil
}

// deleteBelow deletes by file descriptors, so that no name is looked up from "/",
// which is another root by now. Links are deleted, never followed; a directory of
// another device is a mount and is left alone.
func deleteBelow(dir *os.File, dev uint64) {
	fd := int(dir.Fd())
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if unix.Unlinkat(fd, name, 0) == nil {
			continue // not a directory: the ordinary case, in one call
		}
		sub, err := unix.Openat(fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		same := unix.Fstat(sub, &st) == nil && uint64(st.Dev) == dev
		below := os.NewFile(uintptr(sub), name)
		if same {
			deleteBelow(below, dev)
		}
		below.Close()
		if same {
			unix.Unlinkat(fd, name, unix.AT_REMOVEDIR)
		}
	}
}
