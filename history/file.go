package history

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// MaxFile is how large the file grows, in bytes; then its older half goes.
const MaxFile = 64 << 10

// The names in the directory of what a node keeps.
const (
	fileName  = "/history"
	newName   = "/history.new"
	aliveName = "/alive"
)

// Read gives the entries of the history in dir, oldest first. No file is no error; for
// the rest see ReadFile.
func Read(dir string) (entries []Entry, garbled int, err error) {
	entries, garbled, err = ReadFile(dir + fileName)
	if errors.Is(err, unix.ENOENT) {
		err = nil
	}
	return entries, garbled, err
}

// ReadFile gives the entries of a file. garbled is how many bytes of it are none: the
// half of one, at most, where all went as it should.
func ReadFile(path string) (entries []Entry, garbled int, err error) {
	fd, err := openFile(path, unix.O_RDONLY)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	text, err := lastBytes(fd, 2*MaxFile)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	garbled = len(text)
	scan(text, func(e Entry, line []byte) {
		entries = append(entries, e)
		garbled -= len(line) + 1
	})
	return entries, max(garbled, 0), nil
}

// Add writes entries to the end of the history in dir, which it makes. When it returns
// without an error they are on the disk (fdatasync(2)), and whatever it returns, those
// that were there before still are, the oldest ones excepted. It may hang where the
// device of dir does.
func Add(dir string, entries []Entry) error {
	if err := add(dir, entries); err != nil {
		return fmt.Errorf("%s%s: %w", dir, fileName, err)
	}
	return nil
}

func add(dir string, entries []Entry) error {
	if err := makeDir(dir); err != nil {
		return err
	}
	fd, err := openFile(dir+fileName, unix.O_RDWR|unix.O_CREAT|unix.O_APPEND)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	size, err := unix.Seek(fd, 0, unix.SEEK_END)
	if err != nil {
		return err
	}
	var text []byte
	for i := range entries {
		text = append(entries[i].Append(text), '\n')
	}
	if size+int64(len(text)) > MaxFile {
		err := shorten(dir, fd, text)
		if err == nil || size > 2*MaxFile {
			return err
		} // else there is no room for a second file: the first one may have some
	}
	if err := writeBehind(fd, size, text); err != nil || size > 0 {
		return err
	}
	return syncDir(dir)
}

// writeBehind adds text to a file of that size. A line that a power cut left unfinished
// gets its end first, so that it spoils no other; what a full disk leaves of text is
// taken back.
func writeBehind(fd int, size int64, text []byte) error {
	var last [1]byte
	if size > 0 {
		if _, err := unix.Pread(fd, last[:], size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			text = append([]byte{'\n'}, text...)
		}
	}
	err := writeAll(fd, text)
	if err == nil {
		err = unix.Fdatasync(fd)
	}
	if err != nil {
		unix.Ftruncate(fd, size)
	}
	return err
}

// shorten puts a file with the newer half of the entries and text in the place of the
// one that is open. Whenever power goes, one of the two is there.
func shorten(dir string, fd int, text []byte) error {
	old, err := lastBytes(fd, 2*MaxFile)
	if err != nil {
		return err
	}
	var lines [][]byte
	scan(old, func(_ Entry, line []byte) { lines = append(lines, line) })
	from, room := len(lines), MaxFile/2-len(text)
	for from > 0 && room > len(lines[from-1]) {
		from--
		room -= len(lines[from]) + 1
	}
	var kept []byte
	for _, line := range lines[from:] {
		kept = append(append(kept, line...), '\n')
	}
	temp := dir + newName
	unix.Unlink(temp) // left from a power cut
	out, err := openFile(temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL)
	if err != nil {
		return err
	}
	if err = writeAll(out, append(kept, text...)); err == nil {
		err = unix.Fsync(out)
	}
	unix.Close(out)
	if err == nil {
		err = unix.Rename(temp, dir+fileName)
	}
	if err != nil {
		unix.Unlink(temp)
		return err
	}
	return syncDir(dir)
}

// writeAlive notes that the boot of e lived at that time, in place and with no sync: if
// it gets lost, or only half of it comes to the disk, an earlier one or none counts.
func writeAlive(dir string, e Entry) error {
	fd, err := openFile(dir+aliveName, unix.O_WRONLY|unix.O_CREAT)
	if err == nil {
		err = writeAll(fd, append(e.Append(nil), '\n'))
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("%s%s: %w", dir, aliveName, err)
	}
	return nil
}

// readAlive is what writeAlive noted last.
func readAlive(dir string) (e Entry) {
	fd, err := openFile(dir+aliveName, unix.O_RDONLY)
	if err != nil {
		return e
	}
	defer unix.Close(fd)
	var b [MaxEntry]byte
	n, _ := unix.Pread(fd, b[:], 0)
	if list := Parse(b[:max(n, 0)]); len(list) > 0 {
		e = list[0]
	}
	return e
}
