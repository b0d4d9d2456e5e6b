package lab

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrRuns says that a lab runs in the same directory already.
var ErrRuns = errors.New("a lab runs already")

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
			return nil, fmt.Errorf("%w in %s", ErrRuns, filepath.Dir(run))
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}

// noteLock has the lock say whose it is, as long as the lab runs; who finds that it says so
// knows that the lab did not come to its end.
func noteLock(lock *os.File) error {
	_, err := fmt.Fprintf(lock, "pid %d, begun %s", os.Getpid(), time.Now().Format(time.DateTime))
	return err
}

// releaseLock is for the end of a lab.
func releaseLock(lock *os.File) {
	lock.Truncate(0)
	lock.Close()
}

// Tidy gives ErrRuns where a lab runs in dir. Where one did that was killed, it removes what that left, and says so.
// Its nodes, and what joined its LAN, have ended with it.
func Tidy(dir string, say func(string)) error {
	run := RunDir(dir)
	lock, err := takeLock(run)
	if errors.Is(err, fs.ErrNotExist) { // there was none yet
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return tidy(run, lock, say)
}

// tidy is Tidy with the lock taken.
func tidy(run string, lock *os.File, say func(string)) error {
	whose, err := io.ReadAll(io.LimitReader(lock, 200))
	if err != nil || len(whose) == 0 {
		return err
	}
	removed := []string{}
	for _, pattern := range []string{"*.sock", "remsh-*", "host-*"} {
		left, _ := filepath.Glob(filepath.Join(run, pattern))
		for _, path := range left {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("what a lab that was killed has left: %w", err)
			}
			removed = append(removed, filepath.Base(path))
		}
	}
	what := "nothing was left of it"
	if len(removed) > 0 {
		what = "removed what it left in " + run + ": " + strings.Join(removed, ", ")
	}
	say(fmt.Sprintf("the lab before (%s) ended without a word, as by kill -9 or for want of memory; %s", whose, what))
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err = lock.Seek(0, io.SeekStart)
	return err
}

// ErrTaken says that an address of the LAN has its host already.
var ErrTaken = errors.New("the address is taken")

// TakeAddress takes an address of a lab's LAN for a host, until what it gives is closed, or the process ends.
func TakeAddress(dir string, a netip.Addr) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(RunDir(dir), "host-"+a.String()), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrTaken
		}
		return nil, err
	}
	return f, nil
}
