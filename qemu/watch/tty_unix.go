//go:build unix

package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// isPort says that a name is one of a serial port that lies in no directory: of Windows.
func isPort(string) bool { return false }

// openFile opens a file, or a FIFO, which may have no writer yet.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// nothingYet is what a FIFO says that has a writer, where Go does not wait for it (darwin).
func nothingYet(err error) bool { return errors.Is(err, syscall.EAGAIN) }

func openTTY(_ context.Context, path string, baud uint32) (line, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := raw(f, baud); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func raw(f *os.File, baud uint32) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = rawTTY(int(fd), baud) })
	return errors.Join(err, failed)
}
