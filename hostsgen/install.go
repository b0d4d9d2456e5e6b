package hostsgen

import (
	"bytes"
	"fmt"
	"path"

	"github.com/beaminit/beaminit/internal/files"
	"golang.org/x/sys/unix"
)

// Write makes the file of that name in dir, which is made if need be, hold content. It
// is readable for all, whatever the umask: the release reads it as its own user. A reader
// of it sees the old text or the new. One that has the content already is left alone.
func Write(dir, name string, content []byte) error {
	file := path.Join(dir, name)
	if old, err := files.ReadLimit(file, int64(len(content))); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := unix.Mkdir(dir, 0o755); err != nil && err != unix.EEXIST {
		return fmt.Errorf("mkdir %s: %w", dir, err)
	}
	return files.WriteAtomic(file, content, files.How{Mode: 0o644})
}

// Show makes target show the file of its name in dir. So Show("/run/beaminit", "/etc/hosts") works on a
// read-only root: target is a symbolic link to the file already, or else gets it bind-mounted, and
// must exist for that (on a writable root it is created).
//
// A bind mount shows the inode that was bound, which after a rename(2) is the old one,
// and nothing can be mounted on that; so a later Show of another text detaches the
// old mount and then binds anew. A reader of target may see the image's own file in
// between; one that has it open keeps what it has. ERTS is touched by none of this: its
// inetrc names the file in dir. Show of what is shown already does nothing, and mounts are never
// stacked.
func Show(dir, target string) error {
	file := path.Join(dir, path.Base(target))
	if err := show(file, target); err != nil {
		return fmt.Errorf("show %s as %s: %w (only what reads %s itself, as ERTS does through its inetrc, sees it)",
			file, target, err, file)
	}
	return nil
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
