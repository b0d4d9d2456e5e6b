package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrRuns says that a lab runs in the same directory already.
var ErrRuns = errors.New("a lab runs here already")

// takeLock makes sure of one lab a directory; the kernel gives the lock back when
// the process ends, however it ends.
func takeLock(run string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(run, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrRuns
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}

// Idle gives ErrRuns where a lab runs in dir.
func Idle(dir string) error {
	lock, err := takeLock(RunDir(dir))
	if err == nil {
		lock.Close()
	}
	if errors.Is(err, os.ErrNotExist) { // there was none yet
		return nil
	}
	return err
}
