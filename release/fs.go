package release

import (
	"io"

	"golang.org/x/sys/unix"
)

// FS is what Find and Check read of a file system. Paths are absolute, as on the
// device; errors are those of the system calls.
type FS interface {
	// Read gives the content of a file, at most limit bytes of it.
	Read(path string, limit int) ([]byte, error)
	// Open opens a file to read parts of it.
	Open(path string) (ReadAtCloser, error)
	// List gives the names in a directory, in no order, without . and ..
	List(path string) ([]string, error)
	// Mode is st_mode of inode(7), symbolic links followed.
	Mode(path string) (uint32, error)
}

// ReadAtCloser is an open file of an FS.
type ReadAtCloser interface {
	io.ReaderAt
	io.Closer
}

// Root is the FS below a directory; "" and "/" are the running system. Below
// another directory symbolic links are followed as they would be on the device:
// an absolute one starts at the directory again (openat2(2), RESOLVE_IN_ROOT).
type Root string

// Read implements FS.
func (r Root) Read(path string, limit int) ([]byte, error) {
	// O_NONBLOCK: a fifo where a file is expected must not hold up PID 1.
	fd, err := r.open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var room [1 << 10]byte // the usual file fits: the heap gets no more than its size
	b := room[:0]
	for len(b) < limit {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := unix.Read(fd, b[len(b):min(cap(b), limit)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		b = b[:len(b)+n]
	}
	return append(make([]byte, 0, len(b)), b...), nil
}

// Open implements FS. A FIFO or a device in the place of a file is none.
func (r Root) Open(path string) (ReadAtCloser, error) {
	fd, err := r.open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, err
	}
	return descriptor(fd), nil
}

// descriptor is an open file. It is no os.File, as that would have the runtime poll it.
type descriptor int

// ReadAt implements io.ReaderAt.
func (d descriptor) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) {
		got, err := unix.Pread(int(d), p[n:], at+int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, err
		case got == 0:
			return n, io.EOF
		default:
			n += got
		}
	}
	return n, nil
}

// Close implements io.Closer.
func (d descriptor) Close() error { return unix.Close(int(d)) }

// List implements FS.
func (r Root) List(path string) ([]string, error) {
	fd, err := r.open(path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 2048)
	var names []string
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// Mode implements FS.
func (r Root) Mode(path string) (uint32, error) {
	var st unix.Stat_t
	if r == "" || r == "/" {
		err := unix.Stat(path, &st)
		return st.Mode, err
	}
	fd, err := r.open(path, unix.O_PATH)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	err = unix.Fstat(fd, &st)
	return st.Mode, err
}

func (r Root) open(path string, flags int) (int, error) {
	flags |= unix.O_CLOEXEC
	if r == "" || r == "/" {
		return unix.Open(path, flags, 0)
	}
	dir, err := unix.Open(string(r), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, path, &unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_IN_ROOT})
	if err == unix.ENOSYS || err == unix.EPERM { // Linux before 5.6, or a container's seccomp filter
		return unix.Open(string(r)+path, flags, 0)
	}
	return fd, err
}
