package netcfg

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Watch tells when a link of this network namespace comes, goes or changes.
type Watch struct {
	socket *nl.NetlinkSocket
}

// OpenWatch opens a watch. Nothing is missed by opening it only after an Apply
// that left a link waiting, as long as Apply or Check is called once more
// after it: so a boot where all is ready pays nothing.
func OpenWatch() (*Watch, error) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK)
	if err != nil {
		return nil, fmt.Errorf("watch links: %w", err)
	}
	return &Watch{s}, nil
}

// Wait returns true as soon as there has been a change since the last Wait, and
// false after timeout. After Close, from any goroutine, its error is
// os.ErrClosed. A timeout below a millisecond is one.
func (w *Watch) Wait(timeout time.Duration) (changed bool, err error) {
	tv := unix.NsecToTimeval(max(timeout, time.Millisecond).Nanoseconds())
	if err := w.socket.SetReceiveTimeout(&tv); err != nil {
		return false, fmt.Errorf("watch links: %w", err)
	}
	_, _, err = w.socket.Receive()
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false, nil
	case errors.Is(err, unix.ENOBUFS): // there was more than the socket could hold
	case err != nil:
		return false, closed(err)
	}
	w.drain()
	return true, nil
}

// drain reads all there is. What it says does not matter: Apply finds out.
func (w *Watch) drain() {
	var rest [64]byte // the rest of a message is dropped
	for {
		_, _, err := unix.Recvfrom(w.socket.GetFd(), rest[:], unix.MSG_DONTWAIT)
		if err != nil && err != unix.ENOBUFS && err != unix.EINTR {
			return
		}
	}
}

// closed is the error of a socket that has no other reason to fail than Close. The
// poller has an error of its own for that, which nobody outside can name.
func closed(err error) error {
	return fmt.Errorf("watch links: %w (%v)", os.ErrClosed, err)
}

// Close ends the watch; a Wait that is under way returns at once.
func (w *Watch) Close() error {
	w.socket.Close()
	return nil
}
