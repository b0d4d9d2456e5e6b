package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/files"
)

// stateName is the name of the state directory, in which a node keeps what is to outlive
// a reboot, on the mount that it is on.
const stateName = "beaminit"

// stateMode is the mode of a state directory that is made: what is in it is root's.
const stateMode = 0o700

// stateWait is how long one mount may take to show that it can be written to.
const stateWait = 5 * time.Second

// StateDir is where the state directory of a plan of UserMounts is to be: on the first of
// the mounts that can be written to and is not in memory; empty: there is none. What a
// boot finds is for FindState to say.
func StateDir(plan []Mount) string {
	if dirs := StateDirs(plan); len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}

// StateDirs is where the state directory can be, in the order in which FindState tries.
func StateDirs(plan []Mount) (dirs []string) {
	for i := range plan {
		if canKeep(&plan[i]) {
			dirs = append(dirs, filepath.Join(plan[i].Target, stateName))
		}
	}
	return dirs
}

func canKeep(m *Mount) bool {
	return m.Flags&(unix.MS_RDONLY|unix.MS_REMOUNT) == 0 && !m.onlyPropagates() && !isVolatileFS(m.Type)
}

// FindState gives the state directory, on the first of the mounts of the plan that is
// mounted and can be written to, and makes it there. What is wrong with those before it,
// other than that they are not mounted, is an error each. A disk that hangs takes
// stateWait, and a thread.
func FindState(plan []Mount) (dir string, errs []error) {
	list, errs := Mounts()
	for i := range plan {
		m := &plan[i]
		if !canKeep(m) {
			continue
		}
		err := clock.Within(stateWait, "look at "+m.Target, func() error { return stateOn(m, list) })
		if err == nil {
			return filepath.Join(m.Target, stateName), errs
		}
		if !errors.Is(err, errNotMounted) {
			errs = append(errs, fmt.Errorf("nothing is kept on %s: %w", m.Target, err))
		}
	}
	return "", errs
}

const errNotMounted = constError("nothing is mounted there")

// stateOn makes the state directory on a mount, where that is one of the list.
func stateOn(m *Mount, list []MountInfo) error {
	target, err := filepath.EvalSymlinks(m.Target) // as mount(2) did
	if err != nil {
		return errNotMounted
	}
	on := topmost(list, target)
	switch {
	case on == nil:
		return errNotMounted
	case isVolatileFS(on.Type) && m.Flags&unix.MS_BIND == 0: // the image's own tmpfs, say, and the disk is absent
		return fmt.Errorf("it is a %s, which a reboot empties", on.Type)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(target, &st); err != nil {
		return err
	}
	if st.Flags&unix.ST_RDONLY != 0 {
		return unix.EROFS
	}
	d, err := files.MakeDir(filepath.Join(m.Target, stateName), stateMode, files.Rule{})
	if err != nil {
		return err
	}
	d.Close()
	return nil
}

// topmost is the mount that is seen at a target; nil: none is.
func topmost(list []MountInfo, target string) *MountInfo {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Target == target {
			return &list[i]
		}
	}
	return nil
}

// isVolatileFS says that what is on such a file system is gone after a reboot, or was
// never anybody's file.
func isVolatileFS(fstype string) bool {
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

// Recalled is what the state directory tells a boot before the release starts.
type Recalled struct {
	Clock     int64    // when the time was last saved, in seconds since 1970; 0: it was not
	MachineID string   // empty: none was saved
	Problems  []string // what was there and is not believed
}

// Recall reads it. Like SaveState it is a function of its arguments alone, for a child
// or a goroutine that can be left behind: it may hang where the disk does.
func Recall(dir string) (r Recalled) {
	state, err := openState(dir)
	if err != nil {
		r.problem(err)
		return r
	}
	defer state.Close()
	r.Clock, err = savedClock(state)
	r.problem(err)
	r.MachineID, err = savedMachineID(state)
	r.problem(err)
	return r
}

func (r *Recalled) problem(err error) {
	if err != nil {
		r.Problems = append(r.Problems, "not read: "+err.Error())
	}
}

// openState opens a state directory that FindState has made. It has to be root's:
// everything in it is believed.
func openState(dir string) (*files.Dir, error) { return files.OpenDir(dir, files.Rule{}) }

// Save is what is to be kept in the state directory.
type Save struct {
	Dir       string
	TakeSeed  bool   // first credit the seed of the boot before: once in a boot
	MachineID string // kept where none is yet; empty: none is to be
}

// SaveState keeps the time, a seed, and an id for the next boot. It may hang where the
// disk does.
func SaveState(s Save) (problems []string) {
	state, err := openState(s.Dir)
	if err != nil {
		return []string{"nothing is saved: " + err.Error()}
	}
	defer state.Close()
	var errs []error
	if s.TakeSeed {
		errs = append(errs, creditSeed(state))
	}
	errs = append(errs, renewSeed(state), saveClock(state), saveMachineID(state, s.MachineID))
	for _, err := range errs {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

// maxStateFiles is how many files of a state directory are looked at; it has ten.
const maxStateFiles = 100

// CheckState says, on a node that runs, what of a state directory is not believed, and
// whose it should be. One that is not there is made by the next boot. Directories in it,
// which are of children and of the release, are not looked at.
func CheckState(dir string) (errs []error) {
	state, err := openState(dir)
	if files.Missing(err) {
		return nil
	}
	if err != nil {
		return []error{err}
	}
	defer state.Close()
	names, err := state.Names(maxStateFiles)
	if err != nil {
		return []error{err}
	}
	for _, name := range names {
		var st unix.Stat_t
		if state.Stat(name, &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFDIR {
			continue
		}
		if f, err := state.Open(name, os.O_RDONLY, files.Rule{}); err != nil {
			errs = append(errs, err)
		} else {
			f.Close()
		}
	}
	return errs
}
