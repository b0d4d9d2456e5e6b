package boot

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// unmountAll unmounts in the reverse order of mountinfo all but the root and what
// PID 1 itself needs to the end. What is busy is made read-only, where the super
// block is ours, and detached. limit is for all of them together.
func unmountAll(limit time.Duration, ours bool) []error {
	text, err := readFile("/proc/self/mountinfo")
	if err != nil {
		return []error{fmt.Errorf("read /proc/self/mountinfo: %w", err)}
	}
	list, err := ParseMountInfo(text)
	var errs []error
	if err != nil {
		errs = append(errs, err) // what was understood is unmounted nevertheless
	}
	end := monotonic() + limit
	for i := len(list) - 1; i >= 0; i-- {
		m := &list[i]
		if kept(m.Target) {
			continue
		}
		left := end - monotonic()
		if left <= 0 {
			return append(errs, fmt.Errorf("time is over before %s", m.Target))
		}
		if err := within(left, "umount "+m.Target, func() error { return unmount(m, ours) }); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
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
func unmount(m *MountInfo, ours bool) error {
	err := unix.Unmount(m.Target, unix.UMOUNT_NOFOLLOW)
	if err == nil || err == unix.EINVAL || err == unix.ENOENT {
		return nil
	}
	if err != unix.EBUSY {
		return fmt.Errorf("umount %s (%s): %w", m.Target, m.Source, err)
	}
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
		return fmt.Errorf("umount %s (%s): %w; %s; detach: %w", m.Target, m.Source, err, saved, detached)
	}
	if ours && saved == "made read-only" {
		return nil
	}
	return fmt.Errorf("umount %s (%s): %w; %s, and detached", m.Target, m.Source, err, saved)
}

// rootReadOnly makes the root's super block read-only, which is what an unmount
// would do for its disk. A root in memory has none.
func rootReadOnly(limit time.Duration) []error {
	var st unix.Statfs_t
	if err := unix.Statfs("/", &st); err == nil && (uintptr(st.Flags)&unix.MS_RDONLY != 0 || inMemory(&st)) {
		return nil
	}
	err := within(limit, "remount of /", func() error {
		return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	})
	if err != nil {
		return []error{fmt.Errorf("remount / read-only: %w", err)}
	}
	return nil
}
