package boot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/files"
)

// Mount is one mount to make: the arguments of mount(2).
type Mount struct {
	Source string // a device, a directory to bind, or just a name
	Target string
	Type   string  // as in /proc/filesystems; empty or "auto": try those that need a device
	Flags  uintptr // MS_*; those of a bind mount become the second call that the kernel wants
	Data   string  // for the file system itself
	// Propagation is MS_SHARED, MS_PRIVATE, MS_SLAVE or MS_UNBINDABLE, perhaps with
	// MS_REC: a call of its own, and with an MS_REC of its own.
	Propagation uintptr
	// Wait is how long the device may take to appear, in the place of the time that all
	// others share; 0: that one.
	Wait   time.Duration
	Format string // the file system that is made where the device holds nothing; empty: none
	Check  bool   // it is checked before it is mounted
	Grow   string // as config.Mount has it
	// NoFail mounts (nofail of fstab(5)) are no reason to wait, unless Wait says so.
	NoFail bool
	// Instead mounts are made only where those before them on the same target failed.
	Instead bool
	// Turns says that there are several on its target: that another one fits is no fault.
	Turns  bool
	failed bool // it was tried by MountUser, and could not be made
	// Optional mounts are silent where there is nothing to mount: the kernel does
	// not know the type, or its directory is absent.
	Optional bool
}

// String prints the mount as mount(8) lists it:
// "tmpfs on /run type tmpfs (rw,nosuid,nodev,noexec,mode=0755)".
func (m Mount) String() string {
	text := make([]byte, 0, 128)
	text = append(text, m.Source...)
	text = append(text, " on "...)
	text = append(text, m.Target...)
	if m.Type != "" {
		text = append(text, " type "...)
		text = append(text, m.Type...)
	}
	text = append(text, " ("...)
	text = flagWords(text, m.Flags, m.Propagation)
	if m.Data != "" {
		text = append(text, ',')
		text = append(text, m.Data...)
	}
	return string(append(text, ')'))
}

// Care says for a plan what comes before the mount; empty: nothing does.
func (m *Mount) Care() (text string) {
	if m.Format != "" {
		text += ", made where the device is empty"
	}
	if m.Check && toolFor(checkers[:], m.Type) != nil {
		text += ", checked before"
	}
	switch m.Grow {
	case config.GrowPartition:
		text += ", grown to the end of its disk"
	case config.GrowFileSystem:
		text += ", grown to the end of its device"
	}
	return text
}

// MountAll makes the mounts in their order. What is mounted already is left
// there, with at least the flags asked for; a missing mount point is made. A
// failure never stops the others: each is one error that names the whole mount
// and what would help.
//
// After /dev it makes what belongs into it (see fillDev); where the kernel
// has no devtmpfs, a tmpfs with the nodes that nothing can live without.
func MountAll(ms []Mount) []error {
	var errs []error
	for i := range ms {
		err := mountOne(&ms[i])
		if ms[i].Target == "/dev" {
			err = fillDev(err)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// MountUser is MountAll for the plan of UserMounts: a device that is not there yet is
// waited for, until limit is over for all of them together, or for the time of its own.
// Of several mounts on one target the first that can be made is made. interrupted may be
// nil.
func MountUser(ms []Mount, limit time.Duration, interrupted func() bool, tools *Tools) []error {
	var errs []error
	var others []int // whose device holds another type
	end := clock.Monotonic() + limit
	for i, m := range ms {
		if m.Instead && mountedBefore(ms[:i], m.Target) {
			continue
		}
		wait := end - clock.Monotonic()
		switch {
		case m.Wait > 0:
			wait = m.Wait
		case m.NoFail || wait < 0:
			wait = 0
		}
		err := mountUser(&m, wait, interrupted, tools)
		ms[i].failed = err != nil
		if other := (otherType{}); errors.As(err, &other) {
			others = append(others, i)
			continue
		}
		if err != nil && m.NoFail {
			err = fmt.Errorf("%w (nofail: the boot goes on without it)", err)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, i := range others {
		if m := &ms[i]; !mountedBefore(ms, m.Target) {
			errs = append(errs, fmt.Errorf("mount %s: %w", *m, otherType{m.Source, "another file system", m.Type}))
		}
	}
	return errs
}

// mountUser waits for the device of a mount, has the image's tools do what is wanted of them,
// and makes it.
func mountUser(m *Mount, wait time.Duration, interrupted func() bool, tools *Tools) error {
	if isDevice(m.Source) && m.Flags&(unix.MS_BIND|unix.MS_REMOUNT) == 0 {
		node, err := waitDevice(m.Source, wait, interrupted)
		if err != nil {
			return fmt.Errorf("mount %s: %w", m, err)
		}
		m.Source = node
		if fs := m.otherOn(node); fs != "" {
			return otherType{m.Source, fs, m.Type}
		}
		if err := tools.prepare(m, node); err != nil {
			return fmt.Errorf("mount %s: %w", m, err)
		}
	}
	if m.Type == "swap" {
		return swapOn(m.Source, m.Data)
	}
	err := mountOne(m)
	if errors.Is(err, unix.EUCLEAN) || errors.Is(err, unix.EBADMSG) { // though it was marked clean
		if mended := tools.mend(m); mended != nil {
			return fmt.Errorf("mount %s: %w", m, mended)
		}
		err = mountOne(m)
	}
	if err == nil {
		tools.grow(m, m.Source, true)
	}
	return err
}

// mountedBefore says whether one of these mounts on target was made.
func mountedBefore(ms []Mount, target string) bool {
	return slices.ContainsFunc(ms, func(m Mount) bool { return m.Target == target && !m.failed })
}

// isDevice tells a block device's name from the free text that stands for the
// source of proc or tmpfs.
func isDevice(source string) bool {
	return strings.HasPrefix(source, "/dev/") || strings.HasPrefix(source, "ID=") ||
		strings.Contains(source, "UUID=") || strings.Contains(source, "LABEL=")
}

func mountOne(m *Mount) error {
	if alreadyThere(m) {
		return tighten(m)
	}
	err := mountCalls(m)
	if err == unix.ENOENT && missing(m.Target) {
		if m.Optional && strings.HasPrefix(m.Target, "/sys/") {
			return nil // directories of sysfs come from the kernel alone
		}
		if made := makeMountPoint(m); made != nil {
			return noMountPoint(m, made)
		}
		err = mountCalls(m)
	}
	switch {
	case err == nil:
		return nil
	case err == unix.EBUSY && !isDevice(m.Source), err == unix.EBUSY && holds(m.Target, m.Source):
		return tighten(m)
	case m.Optional && absent(err):
		return nil
	}
	return explain(m, err)
}

// mountCalls makes the one to three calls of mount(2) that a mount needs: a bind
// mount takes its other flags, and any mount its propagation, in a call of its own.
func mountCalls(m *Mount) error {
	const second = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOSYMFOLLOW |
		unix.MS_NODIRATIME | atimeBits
	flags := m.Flags
	var err error
	switch {
	case flags&(unix.MS_BIND|unix.MS_REMOUNT) == unix.MS_BIND:
		err = unix.Mount(m.Source, m.Target, "", flags&bindBits, "")
		if err == nil && flags&second != 0 {
			err = unix.Mount("", m.Target, "", unix.MS_REMOUNT|unix.MS_BIND|flags&second, "")
		}
	case m.onlyPropagates():
	case flags&unix.MS_REMOUNT == 0 && (m.Type == "" || m.Type == "auto"):
		err = mountAny(m, flags)
	default:
		err = mountShorter(m, flags)
	}
	if err == nil && m.Propagation != 0 {
		err = unix.Mount("", m.Target, "", m.Propagation, "")
	}
	return err
}

// onlyPropagates reports a mount that changes nothing but the propagation of
// what is on its target.
func (m *Mount) onlyPropagates() bool {
	return m.Propagation != 0 && m.Type == "" && m.Flags == 0 && m.Source == ""
}

// mountShorter mounts; a cgroup2 whose data the kernel refuses is tried again with the
// last word less each time, because it learnt its words one after the other (nsdelegate
// in 4.13, memory_recursiveprot in 5.7) and has no other way to ask. Of no other file
// system a word is left out: it may be a mode= that keeps others out.
func mountShorter(m *Mount, flags uintptr) error {
	data := m.Data
	for {
		err := unix.Mount(m.Source, m.Target, m.Type, flags, data)
		if err != unix.EINVAL || m.Type != "cgroup2" || data == "" {
			return err
		}
		data = data[:max(0, strings.LastIndexByte(data, ','))]
	}
}

// mountAny tries the types of /proc/filesystems that need a device, as the
// kernel does for its root: silently, and only "this is not mine" (EINVAL) makes
// it go on.
func mountAny(m *Mount, flags uintptr) error {
	table, err := files.ReadFile("/proc/filesystems")
	if err != nil {
		return fmt.Errorf("no type is given, and /proc/filesystems: %w", err)
	}
	tried := deviceTypes(table)
	var busy error
	for _, t := range tried {
		switch err := unix.Mount(m.Source, m.Target, t, flags|unix.MS_SILENT, m.Data); err {
		case unix.EBUSY: // mounted elsewhere as another type, perhaps one still to come
			busy = err
		case unix.EINVAL:
		default:
			return err
		}
	}
	if busy != nil {
		return busy
	}
	return fmt.Errorf("%w: none of the kernel's file systems knows what is on it (tried: %s): is the module of its type in kernel.modules?",
		unix.EINVAL, strings.Join(tried, " "))
}

// deviceTypes gives the types of /proc/filesystems (proc(5)) without "nodev".
func deviceTypes(table []byte) []string {
	var types []string
	for _, line := range strings.Split(string(table), "\n") {
		if name, ok := strings.CutPrefix(line, "\t"); ok && name != "" && name != "fuseblk" {
			types = append(types, name)
		}
	}
	return types
}

// absent reports the errors that say "there is nothing of this here".
func absent(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENXIO) || errors.Is(err, NoDevice)
}
