// Package files is what several rooms do with files: read them whole and within
// bounds, replace them so that a power cut leaves the old one or the new one, and look
// at what somebody else may have put in place before it is believed.
//
// The last is the reason for a room of its own. PID 1 is root, and works in
// directories that its release can write to: a link there leads root to the files of
// others, a FIFO stops it for ever, a file without an end takes its memory, and one
// that somebody else may write to says what he wants. So a path is walked name by name
// (see walk), what is at its end has to keep a Rule, and what does not is refused with
// a line that says how to mend it.
package files

import (
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// MaxFile is how much ReadFile reads, in bytes: no file that is written by hand is
// longer.
const MaxFile = 1 << 20

// ReadFile reads a file of the image or of the kernel (proc(5), sysfs(5)): it follows
// links as os.ReadFile does, but wants a regular file of at most MaxFile bytes, and
// never waits for somebody who writes. The errors are *fs.PathError.
func ReadFile(path string) ([]byte, error) { return ReadLimit(path, MaxFile) }

// ReadLimit is ReadFile for files of up to limit bytes.
func ReadLimit(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, &Refused{path, "it is " + kind(st.Mode), "a regular file"}
	}
	return readAll(f, st.Size, limit)
}

// readAll reads an open file to its end, of which files of the kernel do not know where
// it is: they say that they have no byte, or a page. One that is larger by size is read into
// one piece of memory.
func readAll(f *os.File, size, limit int64) ([]byte, error) {
	if size <= 4<<10 {
		size = 1<<10 - 1
	}
	text := make([]byte, 0, min(size, limit)+1) // one more, to see that there is more
	for {
		n, err := f.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case int64(len(text)) > limit:
			return nil, &fs.PathError{Op: "read", Path: f.Name(), Err: unix.EFBIG}
		case err == io.EOF:
			return text, nil
		case err != nil:
			return nil, err
		case len(text) == cap(text):
			text = append(text, 0)[:len(text)]
		}
	}
}

// Names gives the names in a directory, in the kernel's order; at most most of them
// (0: all), because its owner can make as many as he wants. A FIFO in its place is no directory.
func Names(path string, most int) ([]string, error) {
	dir, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return names(dir, most)
}

func names(dir *os.File, most int) ([]string, error) {
	list, err := dir.Readdirnames(most)
	if err == io.EOF {
		err = nil
	}
	return list, err
}

// kind is the type of a file in words (inode(7)).
func kind(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "a regular file"
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFLNK:
		return "a symbolic link"
	case unix.S_IFIFO:
		return "a FIFO"
	case unix.S_IFSOCK:
		return "a socket"
	}
	return "a device"
}
