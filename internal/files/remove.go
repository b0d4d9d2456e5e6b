package files

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Remove removes a name of d that is no directory.
func (d *Dir) Remove(name string) error {
	if err := unix.Unlinkat(d.fd, name, 0); err != nil {
		return d.failed("remove", name, err)
	}
	return nil
}

// RemoveAll removes a name of d, and, where it is a directory, all that is in it, however
// deep that is. No link is followed.
func (d *Dir) RemoveAll(name string) error {
	err := unix.Unlinkat(d.fd, name, 0)
	if err == nil || err == unix.ENOENT {
		return nil
	}
	below, no := d.enter(name)
	if no != nil { // no directory: the first error says why it stays
		return d.failed("remove", name, err)
	}
	defer below.Close()
	if err := below.Empty(); err != nil {
		return err
	}
	if err := unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR); err != nil {
		return d.failed("remove", name, err)
	}
	return nil
}

// atOnce is how many names Empty deals with in one go: who made them may have made millions.
const atOnce = 1000

// Empty removes all that is in d. What is in a directory of it is moved up to d first, so
// that two descriptors are enough for any depth.
func (d *Dir) Empty() error {
	moved := 0
	for {
		list, err := d.Names(atOnce)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, name := range list {
			if unix.Unlinkat(d.fd, name, 0) == nil || unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR) == nil {
				continue
			}
			if err := d.moveUp(name, &moved); err != nil {
				return err
			}
		}
	}
}

// moveUp moves what is in the directory name to d, under names that nothing there has, and
// removes it when that was all.
func (d *Dir) moveUp(name string, moved *int) error {
	below, err := d.enter(name)
	if Missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer below.Close()
	list, err := below.Names(atOnce)
	if err != nil {
		return err
	}
	for _, from := range list {
		for err = unix.EEXIST; err == unix.EEXIST; *moved++ {
			err = unix.Renameat2(below.fd, from, d.fd, ".removed"+strconv.Itoa(*moved), unix.RENAME_NOREPLACE)
		}
		if err != nil && err != unix.ENOENT {
			return below.failed("remove", from, err)
		}
	}
	if err := unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR); err != nil && err != unix.ENOENT && (err != unix.ENOTEMPTY || len(list) == 0) {
		return d.failed("remove", name, err)
	}
	return nil
}
