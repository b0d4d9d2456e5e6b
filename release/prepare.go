package release

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Prepare makes the directory of the command, 0700, and writes its files. It may be
// called before every start; a file that is there already is left alone, so that a
// full /run does not stop a release from starting again. One with another content,
// such as what a start that was cut off left, is replaced by rename(2), as somebody
// may be reading it.
func (c *Command) Prepare() error {
	if err := makeDir(c.Tmp); err != nil {
		return err
	}
	for i := range c.Files {
		if err := c.Files[i].write(); err != nil {
			return err
		}
	}
	return nil
}

// write makes the file what it should be.
func (f *File) write() error {
	switch err := f.create(f.Path); {
	case err == nil:
		return nil
	case err != unix.EEXIST:
		return fmt.Errorf("write %s: %w", f.Path, err)
	case f.there():
		return nil
	}
	slash := strings.LastIndexByte(f.Path, '/')
	temp := f.Path[:slash] + "/.new" + f.Path[slash+1:]
	unix.Unlink(temp) // left from a start that was cut off
	err := f.create(temp)
	if err == nil {
		if err = unix.Rename(temp, f.Path); err != nil {
			unix.Unlink(temp)
		}
	}
	if err != nil {
		return fmt.Errorf("replace %s: %w", f.Path, err)
	}
	return nil
}

// there says whether the file is as it should be.
func (f *File) there() bool {
	var st unix.Stat_t
	if err := unix.Lstat(f.Path, &st); err != nil || st.Mode != unix.S_IFREG|f.Mode || st.Size != int64(len(f.Content)) {
		return false
	}
	b, err := Root("/").Read(f.Path, len(f.Content)+1)
	return err == nil && string(b) == string(f.Content)
}

// makeDir makes a directory for the release alone, and those above it for everyone.
func makeDir(path string) error {
	err := unix.Mkdir(path, 0o700)
	if err == unix.ENOENT {
		for i := 1; i < len(path); i++ {
			if path[i] == '/' {
				unix.Mkdir(path[:i], 0o755) // what is wrong with it shows below
			}
		}
		err = unix.Mkdir(path, 0o700)
	}
	if err != nil && err != unix.EEXIST {
		return fmt.Errorf("make directory %s (release.tmp): %w; want a place that can be written to", path, err)
	}
	if err == nil {
		err = unix.Chmod(path, 0o700) // past the umask
	} else if fd, failed := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); failed != nil {
		err = failed
	} else {
		err = unix.Fchmod(fd, 0o700) // an older directory
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("keep directory %s (release.tmp) to the release: %w", path, err)
	}
	return nil
}

// create writes the file to a path where there is none yet (EEXIST: there is); where
// that fails, there is none afterwards.
func (f *File) create(path string) error {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC
	fd, err := unix.Open(path, flags, f.Mode)
	if err != nil {
		return err
	}
	err = unix.Fchmod(fd, f.Mode) // past the umask
	for b := f.Content; err == nil && len(b) > 0; {
		var n int
		n, err = unix.Write(fd, b)
		if err == unix.EINTR {
			err = nil
		}
		b = b[max(n, 0):]
	}
	unix.Close(fd)
	if err != nil {
		unix.Unlink(path)
	}
	return err
}
