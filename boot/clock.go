package boot

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A Floor is the earliest time that it can be, in seconds since 1970, and what says so.
type Floor struct {
	At   int64
	From string
}

// ClockFloor is the later of the times when this program was built and when the time
// was last saved; 0 stands for one that is not known. set says that now, the time of a
// board without a battery perhaps, is before it. The clock is never set back: what is
// later may be right.
func ClockFloor(now, built, saved int64) (f Floor, set bool) {
	f = Floor{built, "when this init was built"}
	if saved > built {
		f = Floor{saved, "when the time was last saved"}
	}
	return f, f.At > now
}

// RaiseClock sets the time of day to the ClockFloor, where it is before that. dir is
// where SaveClock saves; empty: nowhere. In a container it leaves the clock alone, which
// is the host's.
func RaiseClock(built int64, dir string) (f Floor, set bool, err error) {
	f, set = ClockFloor(time.Now().Unix(), built, savedClock(dir))
	if !set || !ownsClock() {
		return f, false, nil
	}
	ts := unix.NsecToTimespec(f.At * int64(time.Second))
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return f, false, fmt.Errorf("set the clock to %s: %w", f, err)
	}
	return f, true, nil
}

// ClockFrom says what gave the time of day at boot: "floor" where RaiseClock set it,
// "rtc" where the kernel took it from a real-time clock (its CONFIG_RTC_HCTOSYS; kernel
// Documentation/ABI/testing/sysfs-class-rtc), and else "kernel", which counts from 1970 or
// has it from a hypervisor. In a container the clock is the host's: "kernel".
func ClockFrom(raised bool) string {
	switch {
	case raised:
		return "floor"
	case ownsClock() && fromRTC("/sys/class/rtc"):
		return "rtc"
	}
	return "kernel"
}

func fromRTC(class string) bool {
	for _, name := range readDir(class) {
		if text, err := readFile(class + "/" + name + "/hctosys"); err == nil && len(text) > 0 && text[0] == '1' {
			return true
		}
	}
	return false
}

// String is the time in UTC and where it comes from.
func (f Floor) String() string {
	return time.Unix(f.At, 0).UTC().Format(time.RFC3339) + ", " + f.From
}

// clockFile has the time in its mtime: to change an inode is safe on a file system that
// loses power, and to read it is one call.
const clockFile = "/clock"

// savedClock is the time that was last saved; 0: none was.
func savedClock(dir string) int64 {
	var st unix.Stat_t
	if dir == "" || unix.Stat(dir+clockFile, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0
	}
	return int64(st.Mtim.Sec)
}

// SaveClock saves the time of day in dir, which it makes. It may hang where the device
// of dir does.
func SaveClock(dir string) error {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	unix.Mkdir(dir, 0o700)
	fd, err := unix.Open(dir+clockFile, flags, 0o600)
	if err == nil {
		unix.Close(fd)
		err = unix.UtimesNanoAt(unix.AT_FDCWD, dir+clockFile, nil, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err != nil {
		return fmt.Errorf("save the time in %s%s: %w", dir, clockFile, err)
	}
	return nil
}

// ownsClock says that this is no container: that the clock and the kernel's random pool
// are this node's. It has to be sure of it, unlike inContainer.
func ownsClock() bool {
	var st unix.Stat_t
	switch err := unix.Stat(nsPID, &st); err {
	case nil:
		return uint64(st.Ino) == firstPIDNamespace
	case unix.ENOENT: // a kernel without namespaces
		return unix.Stat("/proc/self", &st) == nil
	}
	return false
}

// StateDir is the directory in which a node keeps what is to outlive a reboot: on the
// first of the mounts of UserMounts that can be written to and is not in memory; empty:
// there is none.
func StateDir(plan []Mount) string {
	for i := range plan {
		if m := &plan[i]; m.Flags&(unix.MS_RDONLY|unix.MS_REMOUNT) == 0 && !m.onlyPropagates() && !passing(m.Type) {
			return m.Target + "/beaminit"
		}
	}
	return ""
}

// passing says that what is on such a file system is gone after a reboot, or was never
// anybody's file.
func passing(fstype string) bool {
	for _, t := range [...]string{
		"tmpfs", "ramfs", "proc", "sysfs", "devtmpfs", "devpts", "mqueue", "hugetlbfs", "cgroup", "cgroup2", "pstore", "efivarfs",
		"debugfs", "tracefs", "securityfs", "configfs", "bpf", "fusectl", "binfmt_misc", "squashfs", "erofs", "iso9660",
	} {
		if t == fstype {
			return true
		}
	}
	return false
}
