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
// may be reading it. The directory and what is in it belong to the user of the
// release. What had to be done otherwise is one more of the command's Problems.
func (c *Command) Prepare() error {
	if c.Refused != nil {
		return c.Refused
	}
	if err := makeDir(c.Tmp); err != nil {
		return err
	}
	if err := c.User.chown(c.Tmp); err != nil {
		return err
	}
	for i := range c.Files {
		f := &c.Files[i]
		var owner *User
		if strings.HasPrefix(f.Path, c.Tmp+"/") || f.Path == c.cookiePath() {
			owner = c.User
		}
		err := f.write(owner)
		if err != nil && f.Path == c.cookiePath() && c.Home() != c.Tmp {
			err = c.homeInTmp(f, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// homeInTmp has the release find its cookie in its own directory, where the HOME that
// release.env names could not take it (err): one that is not mounted, or read-only.
func (c *Command) homeInTmp(cookie *File, err error) error {
	c.Problems = append(c.Problems, fmt.Errorf("release.env: HOME=%s: %w; want a directory that can be written to, for the cookie; using %s", c.Home(), err, c.Tmp))
	c.Env = set(c.Env, "HOME="+c.Tmp)
	cookie.Path = c.cookiePath()
	return cookie.write(c.User)
}

// write makes the file what it should be.
func (f *File) write(owner *User) error {
	switch err := f.create(f.Path, owner); {
	case err == nil:
		return nil
	case err != unix.EEXIST:
		return fmt.Errorf("write %s: %w", f.Path, err)
	case f.there(owner):
		return nil
	}
	slash := strings.LastIndexByte(f.Path, '/')
	temp := f.Path[:slash] + "/.new" + f.Path[slash+1:]
	unix.Unlink(temp) // left from a start that was cut off
	err := f.create(temp, owner)
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
func (f *File) there(owner *User) bool {
	var st unix.Stat_t
	if err := unix.Lstat(f.Path, &st); err != nil || st.Mode != unix.S_IFREG|f.Mode || st.Size != int64(len(f.Content)) {
		return false
	}
	if owner != nil && st.Uid != owner.UID {
		return false
	}
	b, err := Root("/").Read(f.Path, len(f.Content)+1)
	return err == nil && string(b) == string(f.Content)
}

// makeDir makes a directory for the release alone, and those above it for everyone.
// One that is there already keeps its mode, because others may use it too (/tmp).
func makeDir(path string) error {
	err := unix.Mkdir(path, 0o700)
	if err == unix.ENOENT {
		above := err // why a directory above it could not be made
		for i := 1; i < len(path); i++ {
			if path[i] == '/' {
				if err := unix.Mkdir(path[:i], 0o755); err != nil && err != unix.EEXIST {
					above = err
				}
			}
		}
		if err = unix.Mkdir(path, 0o700); err == unix.ENOENT {
			err = above
		}
	}
	if err == nil {
		err = unix.Chmod(path, 0o700) // past the umask
	}
	if err == nil || err == unix.EEXIST && ownDir(path) {
		return nil
	}
	if err == unix.EEXIST {
		err = unix.ENOTDIR
	}
	return fmt.Errorf("make directory %s (release.tmp): %w; want a place that can be written to", path, err)
}

// chown gives the directory to the user, where it is one that root made for itself
// alone; any other keeps its owner, because others may use it too.
func (u *User) chown(path string) error {
	if u == nil {
		return nil
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(fd)
		var st unix.Stat_t
		if err = unix.Fstat(fd, &st); err == nil && st.Uid == 0 && st.Mode&0o7777 == 0o700 {
			err = unix.Fchown(fd, int(u.UID), int(u.GID))
		}
	}
	if err != nil {
		return fmt.Errorf("give %s (release.tmp) to user %s: %w", path, u.Name, err)
	}
	return nil
}

// ownDir says whether path is a directory and no link to one: what a link leads to
// is not ours to fill.
func ownDir(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// create writes the file to a path where there is none yet (EEXIST: there is); where
// that fails, there is none afterwards.
func (f *File) create(path string, owner *User) error {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC
	fd, err := unix.Open(path, flags, f.Mode)
	if err != nil {
		return err
	}
	err = unix.Fchmod(fd, f.Mode) // past the umask
	if err == nil && owner != nil {
		err = unix.Fchown(fd, int(owner.UID), int(owner.GID))
	}
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
