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
// with arguments of its own, only before.
func Parse(fs *flag.FlagSet, args []string, program bool) (rest []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		if fs.NArg() == 0 || program {
			return append(rest, fs.Args()...), nil
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

// UntilSignal gives a context that ends with the first Ctrl-C, hang-up or SIGTERM.
func UntilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

// OnTerminal tells whether w is one that can show a live table.
func OnTerminal(w io.Writer) bool {
	f, is := w.(*os.File)
	return is && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Show shows a source until ctx ends: a live table on a terminal, with the note below it, and
// elsewhere a line for each change.
func Show(ctx context.Context, out io.Writer, from tui.Source, note string) error {
	if OnTerminal(out) {
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
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := health.ParseKey(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}
