package hostsgen

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Install writes content to DIR/BASE, where BASE is the last part of target, and
// makes target show it. So Install("/run/beaminit", "/etc/hosts", text) works on
// a read-only root: target is a symbolic link to DIR/BASE already, or else gets
// it bind-mounted, and must exist for that (on a writable root it is created).
//
// A file that is there is replaced by rename(2), so a reader of it sees the old text
// or the new. A bind mount shows the inode that was bound, which after the rename is the
// old one, and nothing can be mounted on that; so a later Install with another
// text detaches the old mount and then binds anew. A reader of target may see the
// image's own file in between; one that has it open keeps what it has. ERTS is
// touched by none of this: its inetrc names DIR/BASE. Install with the text that
// stands there already does nothing, and mounts are never stacked.
//
// shown says whether target shows what DIR/BASE holds, whatever err is. After an
// error of writing, DIR/BASE is as it was.
func Install(dir, target string, content []byte) (shown bool, err error) {
	path := dir + "/" + target[strings.LastIndexByte(target, '/')+1:]
	if err := write(dir, path, content); err != nil {
		return same(path, target), err
	}
	if err := show(path, target); err != nil {
		return false, fmt.Errorf("show %s as %s: %w (only what reads %s itself, as ERTS does through its inetrc, sees it)",
			path, target, err, path)
	}
	return true, nil
}

// holds says whether the file at path has this content.
func holds(path string, content []byte) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	buf := make([]byte, len(content)+1)
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false
		}
		if m == 0 {
			break
		}
		n += m
	}
	return string(buf[:n]) == string(content)
}

// write makes the file at path in dir hold content.
func write(dir, path string, content []byte) error {
	err := create(path, content)
	if err == unix.ENOENT {
		if err := unix.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("mkdir %s: %w", dir, err)
		}
		err = create(path, content)
	}
	if err == unix.EEXIST {
		if holds(path, content) {
			return nil
		}
		err = replace(dir+"/."+path[len(dir)+1:]+".new", path, content)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// replace replaces the file at path by way of another one.
func replace(temp, path string, content []byte) error {
	_ = unix.Unlink(temp) // left from one that was cut off
	err := create(temp, content)
	if err != nil {
		return err
	}
	if err = unix.Rename(temp, path); err != nil {
		_ = unix.Unlink(temp)
	}
	return err
}

// create writes a new file; where that fails, there is none afterwards.
func create(path string, content []byte) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	err = fill(fd, content)
	unix.Close(fd)
	if err != nil {
		_ = unix.Unlink(path)
	}
	return err
}

// fill writes content and sets the mode, whatever the umask: the release reads
// these files as its own user.
func fill(fd int, content []byte) error {
	for len(content) > 0 {
		n, err := unix.Write(fd, content)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		content = content[n:]
	}
	return unix.Fchmod(fd, 0o644)
}

// same says whether both names lead to the same file now.
func same(path, target string) bool {
	var src, dst unix.Stat_t
	return unix.Stat(path, &src) == nil && unix.Stat(target, &dst) == nil && src.Dev == dst.Dev && src.Ino == dst.Ino
}

// show makes target show the file at path.
func show(path, target string) error {
	var src, dst unix.Stat_t
	if err := unix.Stat(path, &src); err != nil {
		return err
	}
	if err := stat(target, &dst); err != nil {
		return err
	}
	if src.Dev == dst.Dev {
		if src.Ino == dst.Ino {
			return nil
		}
		// On the file system of path, target is our mount of an earlier file, or a
		// symbolic link to something else there: that is no mount, and EINVAL.
		_ = unix.Unmount(target, unix.MNT_DETACH)
	}
	return unix.Mount(path, target, "", unix.MS_BIND, "")
}

// stat is stat(2) of target, which is created if need be and possible: the
// kernel mounts a file only on a file.
func stat(target string, st *unix.Stat_t) error {
	err := unix.Stat(target, st)
	if err != unix.ENOENT {
		return err
	}
	fd, err := unix.Open(target, unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOCTTY, 0o644)
	if err != nil {
		return fmt.Errorf("there is no %s, and it cannot be created: %w; add an empty %s to the image", target, err, target)
	}
	unix.Close(fd)
	return unix.Stat(target, st)
}
