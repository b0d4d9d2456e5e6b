package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"
)

// line is one that is open.
type line = io.ReadCloser

// errEnd ends a line that does not come again.
var errEnd = errors.New("it has ended")

// opener gives what opens a source, and the name of its node; nil for netconsole.
func (s *Serial) opener(source string) (open func(context.Context) (line, error), name string, err error) {
	kind, rest, _ := strings.Cut(source, ":")
	switch {
	case source == "-":
		return func(context.Context) (line, error) { return stdin(), nil }, "stdin", nil
	case kind == "udp":
		return nil, "", nil
	case kind == "tcp":
		_, port, err := net.SplitHostPort(rest)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil {
			return nil, "", fmt.Errorf("%w; want tcp:HOST:PORT", err)
		}
		open := dialer("tcp", rest)
		return func(ctx context.Context) (line, error) {
			conn, err := open(ctx)
			return &telnet{line: conn}, err
		}, rest, nil
	}
	info, err := os.Stat(source)
	switch {
	case isPort(source), errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(source, "/dev/"): // it is plugged in later
		return s.tty(source), nameOf(source), nil
	case err != nil:
		return nil, "", err
	case info.IsDir():
		return nil, "", errors.New("it is a directory; want a tty, a file, a socket, tcp:HOST:PORT, udp:PORT or -")
	case info.Mode()&fs.ModeSocket != 0:
		return dialer("unix", source), nameOf(source), nil
	case info.Mode()&fs.ModeCharDevice != 0:
		return s.tty(source), nameOf(source), nil
	}
	return func(ctx context.Context) (line, error) {
		f, err := openFile(source)
		return growing{f, ctx}, err
	}, nameOf(source), nil
}

// tty opens a serial port, which then passes each byte as it comes.
func (s *Serial) tty(path string) func(context.Context) (line, error) {
	return func(ctx context.Context) (line, error) { return openTTY(ctx, path, s.opts.Baud) }
}

func dialer(network, address string) func(context.Context) (line, error) {
	return func(ctx context.Context) (line, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return conn, nil
	}
}

// stdin is the standard input as a line that can be closed while it is read.
func stdin() line {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, os.Stdin)
		w.CloseWithError(err)
	}()
	return ending{r}
}

// ending is a line that does not come again.
type ending struct{ io.ReadCloser }

func (e ending) Read(b []byte) (int, error) {
	n, err := e.ReadCloser.Read(b)
	if err != nil {
		err = errEnd
	}
	return n, err
}

// growing is a file, or a FIFO, to which others may still write; or a port that gives an
// end of file while nothing comes.
type growing struct {
	*os.File
	ctx context.Context
}

func (g growing) Read(b []byte) (int, error) {
	for {
		n, err := g.File.Read(b)
		if n > 0 || err != nil && err != io.EOF && !nothingYet(err) {
			return n, err
		}
		select {
		case <-g.ctx.Done():
			return 0, errEnd
		case <-time.After(200 * time.Millisecond):
		}
	}
}
