package files

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Dir is an open directory: whatever becomes of the path that led to it, names are
// looked up in it (openat(2)). Its methods want single names, and follow no link.
type Dir struct {
	// OnlyRoots says that nobody but root can have put there what is in it: it and all
	// the directories on the way to it are root's, and others cannot write to them (on
	// the way, those with a sticky bit will do). What is root's elsewhere can be any
	// file of root's that was moved there.
	OnlyRoots bool

	fd    int // O_PATH
	stat  unix.Stat_t
	path  string // without links
	above bool   // OnlyRoots of the directories above, where a sticky bit is enough
}

// Path is where the directory was when it was opened, without links.
func (d *Dir) Path() string { return d.path }

// Owner is the user and the group that the directory belonged to when it was opened.
func (d *Dir) Owner() (uid, gid uint32) { return d.stat.Uid, d.stat.Gid }

// Mode is the permission bits that it had then.
func (d *Dir) Mode() fs.FileMode { return fs.FileMode(d.stat.Mode & 0o777) }

// Close closes the directory.
func (d *Dir) Close() { unix.Close(d.fd) }

// Become makes the descriptor fd one of the directory, which outlives Close and exec(2).
func (d *Dir) Become(fd int) error {
	opened, err := d.self()
	if err != nil {
		return err
	}
	defer opened.Close()
	return unix.Dup3(int(opened.Fd()), fd, 0)
}

// join is the path of a single name in d.
func (d *Dir) join(name string) string {
	switch {
	case name == "." || name == "/": // d itself; where the walk begins
		return d.path
	case d.path == "/":
		return "/" + name
	}
	return d.path + "/" + name
}

func (d *Dir) failed(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: d.join(name), Err: err}
}

// enter opens a directory in d.
func (d *Dir) enter(name string) (*Dir, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, d.failed("open", name, err)
	}
	below := &Dir{fd: fd, path: d.join(name), above: d.above}
	if err = unix.Fstat(fd, &below.stat); err != nil {
		below.Close()
		return nil, d.failed("open", name, err)
	}
	roots, closed := below.stat.Uid == 0, below.stat.Mode&0o022 == 0
	below.OnlyRoots = d.above && roots && closed
	below.above = d.above && roots && (closed || below.stat.Mode&unix.S_ISVTX != 0)
	return below, nil
}

// OpenDir opens a directory that keeps the rule.
func OpenDir(p string, r Rule) (*Dir, error) {
	d, name, err := walk(p)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.OpenDir(name, r)
}

// MakeDir is OpenDir, and makes the directory with this mode where there is none. The
// one above it has to be there.
func MakeDir(p string, mode fs.FileMode, r Rule) (*Dir, error) {
	d, name, err := walk(p)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.MakeDir(name, mode, r)
}

// OpenDir opens a directory in d that keeps the rule.
func (d *Dir) OpenDir(name string, r Rule) (*Dir, error) {
	below, err := d.enter(name)
	if notDirectory(err) {
		var st unix.Stat_t
		if no := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); no == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			err = &Refused{d.join(name), "it is " + kind(st.Mode), "a directory"}
		}
	}
	if err != nil {
		return nil, err
	}
	if err := r.keptBy(below.path, &below.stat); err != nil {
		below.Close()
		return nil, err
	}
	return below, nil
}

// MakeDir is OpenDir, and makes the directory with this mode, whatever the umask, where
// there is none.
func (d *Dir) MakeDir(name string, mode fs.FileMode, r Rule) (*Dir, error) {
	below, err := d.OpenDir(name, r)
	if !errors.Is(err, fs.ErrNotExist) {
		return below, err
	}
	if err := unix.Mkdirat(d.fd, name, uint32(mode.Perm())); err != nil {
		return nil, d.failed("mkdir", name, err)
	}
	if below, err = d.OpenDir(name, Rule{User: uint32(os.Geteuid())}); err != nil { // as it was made just now
		return nil, err
	}
	if err = below.Chmod(mode); err == nil {
		err = d.Sync() // a directory that is gone after a power cut takes all along
	}
	if err != nil {
		below.Close()
		return nil, err
	}
	return below, nil
}

// Chmod sets the mode of the directory itself.
func (d *Dir) Chmod(mode fs.FileMode) error {
	f, err := d.self()
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Chmod(mode)
}

// Chown gives the directory itself to somebody.
func (d *Dir) Chown(uid, gid uint32) error {
	f, err := d.self()
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Chown(int(uid), int(gid))
}

// Sync waits until what happened to the names in d is on the disk. It may hang where
// the disk does.
func (d *Dir) Sync() error {
	f, err := d.self()
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Names gives the names in d, in no order; at most most of them, because its owner can
// make as many as he wants (0: all).
func (d *Dir) Names(most int) ([]string, error) {
	f, err := d.self()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return names(f, most)
}

// self is the directory, open for what O_PATH does not allow.
func (d *Dir) self() (*os.File, error) {
	fd, err := unix.Openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, d.failed("open", ".", err)
	}
	return os.NewFile(uintptr(fd), d.path), nil
}

// Stat is lstat(2) of a name in d.
func (d *Dir) Stat(name string, st *unix.Stat_t) error {
	if err := unix.Fstatat(d.fd, name, st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return d.failed("stat", name, err)
	}
	return nil
}

// Touch sets the times of the file name in d, which is no link, to now.
func (d *Dir) Touch(name string) error {
	if err := unix.UtimesNanoAt(d.fd, name, nil, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return d.failed("utimensat", name, err)
	}
	return nil
}

// Statfs is fstatfs(2) of the file system that d is on.
func (d *Dir) Statfs(st *unix.Statfs_t) error {
	if err := unix.Fstatfs(d.fd, st); err != nil {
		return d.failed("statfs", ".", err)
	}
	return nil
}
