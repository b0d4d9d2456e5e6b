package boot

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// resetName is the file of a state directory that asks the next boot for a factory reset.
const resetName = "factory-reset"

// Resettable are the mounts of a plan that a factory reset makes anew, and nothing else: those
// whose file system this program may make. Of several on one device it is the first.
func Resettable(plan []Mount) (list []Mount) {
	for i := range plan {
		m := &plan[i]
		if m.Format != "" && !slices.ContainsFunc(list, func(before Mount) bool { return before.Source == m.Source }) {
			list = append(list, *m)
		}
	}
	return list
}

// AskReset asks the next boot for a factory reset.
func AskReset(dir string) error {
	state, err := openState(dir)
	if err != nil {
		return err
	}
	defer state.Close()
	return state.WriteAtomic(resetName, []byte("asked for\n"), files.How{Mode: 0o600})
}

// ResetAsked says that the boot before was asked for one.
func ResetAsked(dir string) bool {
	state, err := openState(dir)
	if err != nil {
		return false
	}
	defer state.Close()
	f, err := state.Open(resetName, os.O_RDONLY, files.Rule{})
	if err == nil {
		f.Close()
	}
	return err == nil
}

// ForgetReset takes that back: it was done, and what was asked for may lie where nothing is made anew.
func ForgetReset(dir string) error {
	state, err := openState(dir)
	if err == nil {
		defer state.Close()
		err = state.Remove(resetName)
	}
	if files.Missing(err) {
		err = nil
	}
	return err
}

// Reset takes away what lies on what Resettable gives, and marks it, so that MountUser makes it
// anew, and unmounts it before. The first one is the last: what asked for all this lies there,
// and a power cut in the midst leaves it for the next boot. Nothing is taken away that this
// image cannot make.
func Reset(plan []Mount, say func(string)) (errs []error) {
	list := Resettable(plan)
	slices.Reverse(list)
	for i := len(plan) - 1; i >= 0; i-- { // a bind mount would keep its disk busy
		if m := &plan[i]; m.Flags&(unix.MS_BIND|unix.MS_REMOUNT) == unix.MS_BIND || m.Format != "" {
			errs = append(errs, unmountThere(m.Target)...)
		}
	}
	for i := range list {
		if err := resetOne(&list[i]); err != nil {
			errs = append(errs, fmt.Errorf("factory reset: %s is left as it is: %w", list[i].Target, err))
		} else {
			say("factory reset: " + list[i].Source + " for " + list[i].Target + " is made anew")
		}
	}
	return errs
}

// resetWait is how long a device may take to appear whose mount has no time of its own.
const resetWait = 5 * time.Second

// unmountThere unmounts whatever is on a target.
func unmountThere(target string) (errs []error) {
	for list, _ := Mounts(); topmost(list, target) != nil; list, _ = Mounts() {
		if err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW); err != nil {
			return []error{fmt.Errorf("umount %s: %w", target, err)}
		}
	}
	return nil
}

func resetOne(m *Mount) error {
	t := toolFor(formatters[:], m.Format)
	if t.find(executable) == "" {
		return errors.New("the image has no " + t.names[0] + " (package " + t.from + ")")
	}
	wait := m.Wait
	if wait == 0 {
		wait = resetWait
	}
	node, err := waitDevice(m.Source, wait, nil)
	if err != nil {
		return err
	}
	d, err := openDisk(node, unix.O_RDWR|unix.O_EXCL) // of a block device: nobody else has it
	if err != nil {
		return err
	}
	defer d.Close()
	if d.size < minFormat {
		return fmt.Errorf("%s has %d bytes, too few for a file system", node, d.size)
	}
	if err := d.mark(true); err != nil {
		return err
	}
	return d.wipe()
}

// wipe takes the beginning of a disk away, where the superblocks are, and waits until that is
// on the disk.
func (d *disk) wipe() error {
	if _, err := d.WriteAt(make([]byte, edge), 0); err != nil {
		return err
	}
	return d.Sync()
}
