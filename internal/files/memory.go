package files

import "golang.org/x/sys/unix"

// InMemory is a file without a name that has that text, to be read from its beginning
// (memfd_create(2)); name is what /proc calls it.
func InMemory(name string, text []byte) (fd int, err error) {
	fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	for at := 0; at < len(text); {
		n, err := unix.Pwrite(fd, text[at:], int64(at))
		if err != nil && err != unix.EINTR {
			unix.Close(fd)
			return -1, err
		}
		at += max(n, 0)
	}
	return fd, nil
}
