package boot

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// readFile reads a whole small file without package os, whose files cost an
// epoll instance at start-up. Files of /proc report no size: read to the end.
func readFile(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	size := 4096
	if unix.Fstat(fd, &st) == nil && st.Size >= int64(size) && st.Size < 64<<20 {
		size = int(st.Size) + 1
	}
	data := make([]byte, 0, size)
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := unix.Read(fd, data[len(data):cap(data)])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return data, err
		}
		data = data[:len(data)+n]
	}
}

// WriteText makes a text the content of a file, which it opens with these flags too.
func WriteText(path string, flags int, mode uint32, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|flags, mode)
	if err == nil {
		_, err = unix.Write(fd, []byte(text))
		if err == nil && flags&unix.O_EXCL != 0 { // one that is to last
			err = unix.Fsync(fd)
		}
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// readDir gives the names in a directory, in the kernel's order; none where it
// cannot be read.
func readDir(path string) []string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	return dirNames(fd)
}

func dirNames(fd int) []string {
	var names []string
	var buf [4096]byte
	for {
		n, err := unix.ReadDirent(fd, buf[:])
		if err != nil || n <= 0 {
			return names
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}
