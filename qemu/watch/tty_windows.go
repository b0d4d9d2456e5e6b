package watch

import (
	"context"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/windows"
)

// CanSetBaud says whether the speed of a serial port is set here.
const CanSetBaud = false

// portPrefix is what a device's name begins with (CreateFileW, "Communications Resources").
const portPrefix = `\\.\`

// isPort says that a name is one of a serial port: COM3, or with the prefix.
func isPort(name string) bool {
	number, ok := strings.CutPrefix(strings.ToUpper(strings.TrimPrefix(name, portPrefix)), "COM")
	_, err := strconv.ParseUint(number, 10, 16)
	return ok && err == nil
}

func openFile(path string) (*os.File, error) { return os.Open(path) }

func nothingYet(error) bool { return false }

// openTTY opens a port. A read of it ends as soon as there is something, and after a tenth of
// a second without anything (COMMTIMEOUTS), which looks like the end of a file.
func openTTY(ctx context.Context, path string, _ uint32) (line, error) {
	f, err := os.Open(portPrefix + strings.TrimPrefix(path, portPrefix))
	if err != nil {
		return nil, err
	}
	timeouts := windows.CommTimeouts{
		ReadIntervalTimeout:        math.MaxUint32,
		ReadTotalTimeoutMultiplier: math.MaxUint32,
		ReadTotalTimeoutConstant:   100,
	}
	if err := windows.SetCommTimeouts(windows.Handle(f.Fd()), &timeouts); err != nil {
		f.Close()
		return nil, &os.PathError{Op: "set timeouts of", Path: path, Err: err}
	}
	return growing{f, ctx}, nil
}
