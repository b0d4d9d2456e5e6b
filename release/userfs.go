package release

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// UserFS is the running system for a release that runs as User, who may own the release.
// What is read of a release gets to that user, as the cookie, in sys.config, or as an
// argument; so root reads for him what he can read himself, and what is root's only where
// nobody but root can have put it: a link in the release leads to no secret of root's.
type UserFS struct {
	Root
	User *User
}

// Read implements FS. The error is a *files.Refused for what is not the user's to know.
func (u UserFS) Read(p string, limit int) ([]byte, error) {
	fd, err := unix.Open(p, unix.O_PATH|unix.O_CLOEXEC, 0) // some devices do something when they are opened
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	self := "/proc/self/fd/" + strconv.Itoa(fd)
	if u.User.canRead(fd, self) {
		return u.Root.Read(self, limit)
	}
	return files.Read(p, files.Rule{User: u.User.UID, Limit: int64(limit)})
}

// Open implements FS: a file, and nothing else that the user may have put there, for the same reason.
func (u UserFS) Open(p string) (ReadAtCloser, error) {
	fd, err := unix.Open(p, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, unix.EACCES
	}
	return u.Root.Open("/proc/self/fd/" + strconv.Itoa(fd))
}

// canRead says that the user can reach and read a regular file, open at fd, by himself,
// as far as modes say it (path_resolution(7)).
func (u *User) canRead(fd int, self string) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || !u.may(4, &st) {
		return false
	}
	var b [unix.PathMax]byte
	n, err := unix.Readlink(self, b[:])
	if err != nil || !strings.HasPrefix(string(b[:n]), "/") {
		return false
	}
	for dir := string(b[:n]); dir != "/"; {
		dir = path.Dir(dir)
		if unix.Lstat(dir, &st) != nil || !u.may(1, &st) {
			return false
		}
	}
	return true
}

// may says that the mode of a file gives the user that right: 4 to read, 1 to search.
func (u *User) may(right uint32, st *unix.Stat_t) bool {
	switch {
	case st.Uid == u.UID:
		right <<= 6
	case st.Gid == u.GID || slices.Contains(u.Groups, st.Gid):
		right <<= 3
	}
	return st.Mode&right != 0
}
