package lan

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Listen lets others onto a LAN through a unix socket at path: each connection is
// a port, named guest1, guest2 and so on. Closing what it returns ends the listening
// and leaves the ports.
func (s *Switch) Listen(path, lan string) (net.Listener, error) {
	l, err := ListenUnix(path)
	if err != nil {
		return nil, fmt.Errorf("lan: %w", err)
	}
	go func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.AttachAt(At{LAN: lan, Node: "guest" + strconv.Itoa(n)}, conn, false)
		}
	}()
	return l, nil
}

// Dial gives a connection to the LAN whose switch listens at path.
func Dial(path string) (net.Conn, error) {
	conn, err := DialUnix(path)
	if err != nil {
		return nil, fmt.Errorf("lan: %w", err)
	}
	return conn, nil
}

// ListenUnix listens at path, whatever its length: sockaddr_un takes 108 bytes
// (unix(7)), and a checkout may lie deeper than that. A socket that nobody listens at
// any more is replaced.
func ListenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var l *net.UnixListener
	err := viaDir(path, func(short string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false) // the short name is not valid any more by then
	return l, nil
}

// DialUnix connects to the socket at path, whatever its length.
func DialUnix(path string) (net.Conn, error) {
	var conn net.Conn
	err := viaDir(path, func(short string) (err error) {
		conn, err = net.Dial("unix", short)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", path, err)
	}
	return conn, nil
}

// viaDir calls f with a short name of path, which leads through an open directory.
func viaDir(path string, f func(short string) error) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return f("/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + filepath.Base(path))
}
