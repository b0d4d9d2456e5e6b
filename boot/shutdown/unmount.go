package shutdown

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/internal/clock"
)

// unmountAll unmounts in the reverse order of mountinfo all but the root and what
// PID 1 itself needs to the end. A loop device on a file of a busy mount is detached,
// and the mount tried again. What is busy still is made read-only, where the super
// block is ours, and detached. limit is for all of them together, and one that hangs
// takes no more than half of what is left.
func unmountAll(limit time.Duration, ours bool) []error {
	list, errs := boot.Mounts()
	end := clock.Monotonic() + limit
	if ours {
		errs = append(errs, overlayReadOnly(boot.OverlayMount(list), end)...)
	}
	busy := list[:0:0]
	for i := len(list) - 1; i >= 0; i-- {
		if !kept(list[i].Target) {
			busy = append(busy, list[i])
		}
	}
	again := true
	for round := 0; again && round < 4; round++ { // a loop device that is held somewhere would go on for ever
		var failed []error
		var freed int
		tried := len(busy)
		busy, failed = unmountEach(busy, end)
		errs = append(errs, failed...)
		if ours {
			freed = detachLoops(busy)
		}
		// Less than before may be busy because what was on it has gone.
		again = len(busy) > 0 && (freed > 0 || len(busy) < tried) && clock.Monotonic() < end
	}
	for i := range busy {
		m := &busy[i]
		if err := clock.Within(half(end), "umount "+m.Target, func() error { return giveUp(m, ours) }); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// overlayReadOnly is for a root whose changes lie on a mount: the overlay holds that file system
// when it is unmounted, so it is made read-only before, as an unmount would leave it.
func overlayReadOnly(m *boot.MountInfo, end time.Duration) []error {
	if m == nil {
		return nil
	}
	errs := rootReadOnly(half(end))
	if err := clock.Within(half(end), "remount of "+m.Target, func() error {
		return unix.Mount("", m.Target, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}); err != nil {
		errs = append(errs, fmt.Errorf("remount %s read-only: %w", m.Target, err))
	}
	return errs
}

// half is half of the time that is left until end, but always some.
func half(end time.Duration) time.Duration {
	return max((end-clock.Monotonic())/2, 10*time.Millisecond)
}

// unmountEach unmounts what it can of a list, and gives those that are busy.
func unmountEach(list []boot.MountInfo, end time.Duration) (busy []boot.MountInfo, errs []error) {
	for i := range list {
		m := &list[i]
		err := clock.Within(half(end), "umount(2)", func() error { return unmount(m, 0) })
		switch {
		case err == unix.EBUSY:
			busy = append(busy, *m)
		case err != nil:
			errs = append(errs, fmt.Errorf("umount %s (%s): %w", m.Target, m.Source, err))
		}
	}
	return busy, errs
}

// unmountNetwork unmounts what a server that is gone could make hang. MNT_FORCE gives
// up the requests that are under way (umount(2)); what is not to be had even so is
// detached: the way down does not wait for a server.
func unmountNetwork(limit time.Duration) []error {
	list, errs := boot.Mounts()
	end := clock.Monotonic() + limit
	for i := len(list) - 1; i >= 0; i-- {
		m := &list[i]
		if !isNetworkFS(m.Type) {
			continue
		}
		err := clock.Within(half(end), "umount(2)", func() error { return unmount(m, unix.MNT_FORCE) })
		if err == nil {
			continue
		}
		how := "detached"
		detach := func() error { return unix.Unmount(m.Target, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) }
		if err := clock.Within(half(end), "detach", detach); err != nil {
			how = "not detached: " + err.Error()
		}
		err = fmt.Errorf("umount %s (%s): %w; %s", m.Target, m.Source, err, how)
		errs = append(errs, err)
	}
	return errs
}

// isNetworkFS says that a file system of this type lives with somebody who may be gone:
// a server, or a process.
func isNetworkFS(fstype string) bool {
	for _, t := range [...]string{
		"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs", "coda", "glusterfs", "ocfs2", "virtiofs", "fuse", "fuseblk",
	} {
		if fstype == t {
			return true
		}
	}
	return strings.HasPrefix(fstype, "fuse.")
}

// kept reports the mounts that hold nothing to be saved and that are needed to
// say how the rest goes.
func kept(target string) bool {
	for _, k := range [...]string{"/proc", "/sys", "/dev"} {
		if target == k || strings.HasPrefix(target, k) && target[len(k)] == '/' {
			return true
		}
	}
	return target == "/"
}

// unmount unmounts one. EINVAL is a mount that went with another one, or one that
// stands on "/" itself, below the root.
func unmount(m *boot.MountInfo, flags int) error {
	if err := unix.Unmount(m.Target, flags|unix.UMOUNT_NOFOLLOW); err != unix.EINVAL && err != unix.ENOENT {
		return err
	}
	return nil
}

// giveUp makes one that stays busy read-only, and detaches it.
func giveUp(m *boot.MountInfo, ours bool) error {
	saved := "left as it was"
	if ours {
		if ro := unix.Mount("", m.Target, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); ro == nil {
			saved = "made read-only"
		} else {
			saved = "not made read-only: " + ro.Error()
		}
	}
	detached := unix.Unmount(m.Target, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if detached != nil {
		return fmt.Errorf("umount %s (%s): %w; %s; detach: %w", m.Target, m.Source, unix.EBUSY, saved, detached)
	}
	if ours && saved == "made read-only" {
		return nil
	}
	return fmt.Errorf("umount %s (%s): %w; %s, and detached", m.Target, m.Source, unix.EBUSY, saved)
}

// rootReadOnly makes the root's super block read-only, which is what an unmount
// would do for its disk. A root in memory has none.
func rootReadOnly(limit time.Duration) []error {
	var st unix.Statfs_t
	if err := unix.Statfs("/", &st); err == nil && (uintptr(st.Flags)&unix.MS_RDONLY != 0 || boot.IsInMemory(&st)) {
		return nil
	}
	detachLoops([]boot.MountInfo{{Target: "/"}}) // a file that is written to would keep it busy
	err := clock.Within(limit, "remount of /", func() error {
		return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	})
	if err != nil {
		return []error{fmt.Errorf("remount / read-only: %w", err)}
	}
	return nil
}
