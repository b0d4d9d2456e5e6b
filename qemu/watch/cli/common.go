// Package cli is the command line of those who watch nodes: what "lab watch SOURCE" and
// beaminit-watch have in common, which is all but their names.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/tui"
)

// The exit statuses.
const (
	OK       = 0
	Failed   = 1 // it did not work, or not every node is as it should be
	BadUsage = 2
)

// UsageError is a wrong command line.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// ErrNotWhole ends a command with status Failed and no further word: what is wrong has been
// shown.
var ErrNotWhole = errors.New("not every node is up")

// Parse takes flags before and after the other words; where the words are a program
// with arguments of its own, only before. It prints nothing: that is its caller's.
func Parse(fs *flag.FlagSet, args []string, program bool) (rest []string, err error) {
	out := fs.Output()
	fs.SetOutput(io.Discard)
	defer fs.SetOutput(out)
	for {
		if err := fs.Parse(args); err != nil {
			return nil, wanting(fs, err)
		}
		if fs.NArg() == 0 || program {
			return append(rest, fs.Args()...), nil
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

// wanting adds to an error of a flag's value what would be right.
func wanting(fs *flag.FlagSet, err error) error {
	text, parse := strings.CutSuffix(err.Error(), ": parse error")
	_, name, _ := strings.Cut(text, " for flag -")
	if f := fs.Lookup(name); parse && f != nil {
		return fmt.Errorf("%s: want %s", text, Want(f))
	}
	return err
}

// Want is what the value of a flag has to be.
func Want(f *flag.Flag) string {
	switch kind, _ := flag.UnquoteUsage(f); kind {
	case "int", "uint":
		return "a whole number"
	case "duration":
		return "a time such as 10s or 1m30s"
	case "":
		return "true or false"
	}
	return "a text"
}

// UntilSignal gives a context that ends with the first Ctrl-C, hang-up or SIGTERM. A terminal or a pipe
// that is gone ends nothing by itself: to write there is an error.
func UntilSignal() (context.Context, context.CancelFunc) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

// Why says what has ended a context of UntilSignal; empty: no signal.
func Why(ctx context.Context) string {
	text, signalled := strings.CutSuffix(fmt.Sprint(context.Cause(ctx)), " signal received")
	switch {
	case !signalled:
		return ""
	case text == os.Interrupt.String():
		return "Ctrl-C"
	case text == syscall.SIGHUP.String():
		return "its terminal was closed"
	}
	return "SIGTERM"
}

// onTerminal tells whether w is one that can show a live table.
func onTerminal(w io.Writer) bool {
	f, is := w.(*os.File)
	return is && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Show shows a source until ctx ends: a live table on a terminal, with the note below it, and
// elsewhere a line for each change.
func Show(ctx context.Context, out io.Writer, from tui.Source, note string) error {
	if onTerminal(out) {
		return tui.Live(ctx, from, note)
	}
	err := tui.Plain(ctx, out, from, nil)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Key reads the key file that nodes sign their records with; "" is none: they do not.
func Key(path string) (health.Key, error) {
	if path == "" {
		return nil, nil
	}
	content, err := ReadFile(path)
	if err != nil {
		return nil, UsageError("-health-key: " + err.Error())
	}
	key, err := health.ParseKey(content)
	if err != nil {
		return nil, UsageError(fmt.Sprintf("-health-key: %s: %v", path, err))
	}
	return key, nil
}

// maxFile is how much ReadFile reads, in bytes: no file that is written by hand is longer.
const maxFile = 1 << 20

// ReadFile reads a file that a command line names. It wants a regular one, which has an end and
// does not wait for somebody who writes.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory; want a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s has %d bytes; want %d at most", path, info.Size(), maxFile)
	}
	return os.ReadFile(path)
}
