package release

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Prepare makes the directory of the command, 0700, and writes its files. Each is
// replaced by rename(2), so a start that is cut off leaves whole files only. It
// may be called before every start; a file that is there already is left alone, so
// that a full /run does not stop a release from starting again.
func (c *Command) Prepare() error {
	if err := makeDir(c.Tmp); err != nil {
		return err
	}
	for i := range c.Files {
		f := &c.Files[i]
		if f.there() {
			continue
		}
		if err := f.write(); err != nil {
			return err
		}
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
	var above unix.Errno // why a directory above it could not be made
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			if err := unix.Mkdir(path[:i], 0o755); err != nil && err != unix.EEXIST {
				above, _ = err.(unix.Errno)
			}
		}
	}
	if err := unix.Mkdir(path, 0o700); err != nil && err != unix.EEXIST {
		if err == unix.ENOENT && above != 0 {
			err = above
		}
		return fmt.Errorf("make directory %s (release.tmp): %w; want a place that can be written to", path, err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Fchmod(fd, 0o700) // the umask, or an older directory
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("keep directory %s (release.tmp) to the release: %w", path, err)
	}
	return nil
}

func (f *File) write() error {
	slash := strings.LastIndexByte(f.Path, '/')
	temp := f.Path[:slash] + "/.new" + f.Path[slash+1:]
	unix.Unlink(temp) // left from a start that was cut off
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC
	fd, err := unix.Open(temp, flags, f.Mode)
	if err != nil {
		return fmt.Errorf("create %s: %w", temp, err)
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
	if err == nil {
		err = unix.Rename(temp, f.Path)
	}
	if err != nil {
		unix.Unlink(temp)
		return fmt.Errorf("write %s: %w", f.Path, err)
	}
	return nil
}
