package history

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// openFile opens a regular file: nothing that could hang, or lead elsewhere.
func openFile(path string, flags int) (fd int, err error) {
	fd, err = unix.Open(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = unix.EISDIR
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			err = unix.EINVAL
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// lastBytes reads the end of a file, limit bytes at most.
func lastBytes(fd int, limit int64) ([]byte, error) {
	size, err := unix.Seek(fd, 0, unix.SEEK_END)
	if err != nil {
		return nil, err
	}
	from := max(size-limit, 0)
	b := make([]byte, size-from)
	for got := 0; got < len(b); {
		n, err := unix.Pread(fd, b[got:], from+int64(got))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return b[:got], nil
		}
		got += n
	}
	return b, nil
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// makeDir makes the last directory of a path, for good.
func makeDir(dir string) error {
	err := unix.Mkdir(dir, 0o700)
	if err == unix.EEXIST {
		return nil
	}
	if err != nil {
		var st unix.Stat_t
		if unix.Stat(dir, &st) == nil { // a read-only file system says so first
			return nil
		}
		return err
	}
	return syncDir(dir[:max(strings.LastIndexByte(dir, '/'), 1)])
}

// syncDir waits until what happened to the names in a directory is on the disk.
func syncDir(dir string) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Fsync(fd)
		unix.Close(fd)
	}
	return err
}

// remedy is what a person can do about an error of the history's file.
func remedy(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return ": make room; until then it is kept in memory only"
	case errors.Is(err, unix.EROFS):
		return ": mount it writable; until then it is kept in memory only"
	case errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP), errors.Is(err, unix.EINVAL):
		return ": want a regular file in a directory, remove what is there; until then it is kept in memory only"
	}
	return "; it is kept in memory only"
}
