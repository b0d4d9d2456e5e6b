package history

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// MaxFile is how large the file grows, in bytes; then its older half goes.
const MaxFile = 64 << 10

// The names in the state directory.
const (
	fileName  = "history"
	aliveName = "alive"
)

// Read gives the entries of the history in dir, oldest first, and how many bytes of it
// are none: the half of one, at most, where all went as it should. No file is no error.
// It may hang where the device of dir does.
func Read(dir string) (entries []Entry, garbled int, err error) {
	d, f, err := open(dir, fileName, os.O_RDONLY)
	if files.Missing(err) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer d.Close()
	defer f.Close()
	return readAll(f)
}

// ReadFile is Read for a file anywhere, such as a copy, of which whoever names it knows
// where it comes from.
func ReadFile(path string) (entries []Entry, garbled int, err error) {
	text, err := files.ReadLimit(path, 2*MaxFile)
	if err != nil {
		return nil, 0, err
	}
	entries, garbled = parseAll(text)
	return entries, garbled, nil
}

func readAll(f *os.File) (entries []Entry, garbled int, err error) {
	n, err := size(f)
	if err != nil {
		return nil, 0, err
	}
	text, err := lastBytes(f, n, 2*MaxFile)
	if err != nil {
		return nil, 0, err
	}
	entries, garbled = parseAll(text)
	return entries, garbled, nil
}

func parseAll(text []byte) (entries []Entry, garbled int) {
	garbled = len(text)
	scan(text, func(e Entry, line []byte) {
		entries = append(entries, e)
		garbled -= len(line) + 1
	})
	return entries, max(garbled, 0)
}

// Add writes entries to the end of the history in dir, which it makes. When it returns
// without an error they are on the disk (fdatasync(2)), and whatever it returns, those
// that were there before still are, the oldest ones excepted. It may hang where the
// device of dir does.
func Add(dir string, entries []Entry) error {
	d, f, err := open(dir, fileName, os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	defer d.Close()
	defer f.Close()
	n, err := size(f)
	if err != nil {
		return err
	}
	var text []byte
	for i := range entries {
		text = append(entries[i].Append(text), '\n')
	}
	if n+int64(len(text)) > MaxFile {
		err := shorten(d, f, n, text)
		if err == nil || n > 2*MaxFile {
			return err
		} // else there is no room for a second file: the first one may have some
	}
	if err := writeBehind(f, n, text); err != nil || n > 0 {
		return err
	}
	return d.Sync()
}

// writeBehind adds text to a file of that size. A line that a power cut left unfinished
// gets its end first, so that it spoils no other; what a full disk leaves of text is
// taken back.
func writeBehind(f *os.File, size int64, text []byte) error {
	var last [1]byte
	if size > 0 {
		if _, err := f.ReadAt(last[:], size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			text = append([]byte{'\n'}, text...)
		}
	}
	_, err := f.Write(text)
	if err == nil {
		if err = unix.Fdatasync(int(f.Fd())); err != nil {
			err = &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
	}
	if err != nil {
		f.Truncate(size)
	}
	return err
}

// shorten puts a file with the newer half of the entries and text in the place of the
// one that is open. Whenever power goes, one of the two is there.
func shorten(d *files.Dir, f *os.File, size int64, text []byte) error {
	old, err := lastBytes(f, size, 2*MaxFile)
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
	return d.WriteAtomic(fileName, append(kept, text...), files.How{Mode: 0o600, Sync: true})
}

// writeAlive notes that the boot of e lived at that time, in place and with no sync: if
// it gets lost, or only half of it comes to the disk, an earlier one or none counts.
func writeAlive(dir string, e Entry) error {
	d, f, err := open(dir, aliveName, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return err
	}
	defer d.Close()
	defer f.Close()
	_, err = f.Write(append(e.Append(nil), '\n'))
	return err
}

// readAlive is what writeAlive noted last. What is wrong with it is said by who writes it.
func readAlive(dir string) (e Entry) {
	d, f, err := open(dir, aliveName, os.O_RDONLY)
	if err != nil {
		return e
	}
	defer d.Close()
	defer f.Close()
	var b [maxEntry]byte
	n, _ := f.ReadAt(b[:], 0)
	if list := Parse(b[:max(n, 0)]); len(list) > 0 {
		e = list[0]
	}
	return e
}

// glance is how much of the end of a history FailedBoots looks at first, in bytes: on
// the way of every boot, that has to do.
const glance = 4 << 10

// FailedBoots is how many boots in a row before the present one did not come up, and
// whether the row began with the fallback command (see failedBoots). A history that
// cannot be read keeps nobody from trying. It may hang where the device of dir does.
func FailedBoots(dir string, present uint32) (n int, fellBack bool) {
	d, f, err := open(dir, fileName, os.O_RDONLY)
	if err != nil {
		return 0, false
	}
	defer d.Close()
	defer f.Close()
	whole, err := size(f)
	if err != nil {
		return 0, false
	}
	text, err := lastBytes(f, whole, glance)
	if err != nil {
		return 0, false
	}
	entries, _ := parseAll(text)
	n, ended, fellBack := failedBoots(entries, present)
	if ended || whole <= glance {
		return n, fellBack
	}
	entries, _, _ = readAll(f)
	n, _, fellBack = failedBoots(entries, present)
	return n, fellBack
}
