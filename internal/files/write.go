package files

import (
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// How says what a file is to be that is written.
type How struct {
	Mode     fs.FileMode // whatever the umask
	UID, GID uint32      // 0, 0: it belongs to who writes it
	Sync     bool        // it is on the disk before the old one goes (fsync(2)): for what is to outlive a power cut
}

// WriteAtomic makes a file with this content, in the place of the one that is there:
// who reads sees the old one or the new one, and a link in its place is replaced, not
// followed. On an error the old one is left.
func WriteAtomic(p string, content []byte, how How) error {
	d, err := OpenDir(path.Dir(p), Rule{Any: true})
	if err != nil {
		return err
	}
	defer d.Close()
	return d.WriteAtomic(path.Base(p), content, how)
}

// WriteAtomic is the function WriteAtomic for a name in d. It may hang where the disk
// does.
func (d *Dir) WriteAtomic(name string, content []byte, how How) error {
	temp := "." + name + ".new"
	d.RemoveAll(temp) // left from a power cut, or a directory of somebody who wants it to stay as it is
	err := d.create(temp, content, how)
	if err == nil {
		err = unix.Renameat(d.fd, temp, d.fd, name)
	}
	if err != nil {
		unix.Unlinkat(d.fd, temp, 0)
		return d.failed("write", name, err)
	}
	if how.Sync {
		return d.Sync()
	}
	return nil
}

func (d *Dir) create(name string, content []byte, how How) error {
	fd, err := unix.Openat(d.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	if _, err = f.Write(content); err == nil && (how.UID != 0 || how.GID != 0) {
		err = f.Chown(int(how.UID), int(how.GID))
	}
	if err == nil {
		err = f.Chmod(how.Mode)
	}
	if err == nil && how.Sync {
		err = f.Sync()
	}
	return bare(err)
}

// bare is the error of the system call.
func bare(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

// WriteKernel writes a text to a file of the kernel's (proc(5), sysfs(5)), in one write(2)
// and without making one where there is none.
func WriteKernel(p, text string) error {
	f, err := os.OpenFile(p, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
