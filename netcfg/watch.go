package netcfg

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Watch tells when a link of this network namespace comes, goes or changes.
type Watch struct {
	file *os.File
	conn syscall.RawConn
}

// OpenWatch opens a watch. Nothing is missed by opening it only after an Apply
// that left a link waiting, as long as Apply or Check is called once more
// after it: so a boot where all is ready pays nothing.
func OpenWatch() (*Watch, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("watch links: socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("watch links: bind: %w", err)
	}
	// An os.File because the runtime's poller then does what is hard to do right
	// by hand: a deadline, and a Close that wakes up Wait.
	w := &Watch{file: os.NewFile(uintptr(fd), "netlink")}
	if w.conn, err = w.file.SyscallConn(); err != nil {
		w.Close()
		return nil, fmt.Errorf("watch links: %w", err)
	}
	return w, nil
}

// Wait returns true as soon as there has been a change since the last Wait, and
// false after timeout. After Close, from any goroutine, its error is
// os.ErrClosed. A timeout below zero is zero.
func (w *Watch) Wait(timeout time.Duration) (changed bool, err error) {
	// A deadline that has passed already would keep the socket from being read.
	if timeout < time.Millisecond {
		timeout = time.Millisecond
	}
	if err := w.file.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return false, closed(err)
	}
	var failed error
	err = w.conn.Read(func(fd uintptr) bool {
		changed, failed = drain(int(fd))
		return changed || failed != nil
	})
	switch {
	case failed != nil:
		return false, fmt.Errorf("watch links: %w", failed)
	case os.IsTimeout(err):
		return false, nil
	case err != nil:
		return false, closed(err)
	}
	return changed, nil
}

// drain reads all there is. What it says does not matter: Apply finds out.
func drain(fd int) (changed bool, err error) {
	var buf [64]byte // the rest of a message is dropped
	for {
		_, err := unix.Read(fd, buf[:])
		switch err {
		case nil, unix.ENOBUFS: // ENOBUFS: there was more than the socket could hold
			changed = true
		case unix.EINTR:
		case unix.EAGAIN:
			return changed, nil
		default:
			return changed, err
		}
	}
}

// closed is the error of a file that has no other reason to fail than Close. The
// poller has an error of its own for that, which nobody outside can name.
func closed(err error) error {
	return fmt.Errorf("watch links: %w (%v)", os.ErrClosed, err)
}

// Close ends the watch; a Wait that is under way returns at once.
func (w *Watch) Close() error {
	return w.file.Close()
}
