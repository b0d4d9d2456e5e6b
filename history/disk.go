package history

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// open opens a file of the history in dir: nothing that could hang or lead elsewhere, and
// root's, as the directory is. It makes the file and the last directory of the path where
// flags say so.
func open(dir, name string, flags int) (*files.Dir, *os.File, error) {
	opened, rule := files.OpenDir, files.Rule{}
	if flags&os.O_CREATE != 0 {
		opened = makeDir
	}
	d, err := opened(dir, rule)
	if err != nil {
		return nil, nil, err
	}
	f, err := d.Open(name, flags, rule)
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	return d, f, nil
}

func makeDir(dir string, r files.Rule) (*files.Dir, error) { return files.MakeDir(dir, 0o700, r) }

// lastBytes reads the end of a file of that size, limit bytes at most.
func lastBytes(f *os.File, size, limit int64) ([]byte, error) {
	from := max(size-limit, 0)
	return io.ReadAll(io.NewSectionReader(f, from, size-from))
}

func size(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
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
	case files.IsRefused(err), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return "; until then it is kept in memory only"
	}
	return "; it is kept in memory only"
}
