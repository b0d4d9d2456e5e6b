package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/tui"
	"github.com/beaminit/beaminit/qemu/watch"
	"github.com/beaminit/beaminit/qemu/watch/cli"
)

func (e env) client() (*labpkg.Client, error) {
	dir, err := e.setup.labDir()
	return labpkg.NewClient(dir), err
}

func cmdWatch(e env, fs *flag.FlagSet, sources []string) error {
	ctx, cancel := cli.UntilSignal()
	defer cancel()
	if len(sources) > 0 {
		e.watch.Also = func(ctx context.Context, from *watch.Serial) (string, error) {
			err := e.page(ctx, from)
			return e.note, err
		}
		return e.watch.Run(ctx, sources, e.out)
	}
	var err error
	fs.Visit(func(f *flag.Flag) {
		if slices.Contains(cli.OfLines, f.Name) {
			err = usageError("-" + f.Name + " is of serial lines, and here is no SOURCE: without it, the lab that runs is shown")
		}
	})
	c, noDir := e.client()
	if err := cmp.Or(err, noDir); err != nil {
		return err
	}
	if _, err := c.Status(); err != nil {
		return explain(err)
	}
	if err := e.watch.ServeMetrics(ctx, c); err != nil {
		return err
	}
	if err := e.page(ctx, c); err != nil {
		return err
	}
	err = e.watch.Show(ctx, e.out, c, 1, e.note)
	if errors.Is(err, labpkg.ErrNone) {
		err = labpkg.ErrEnded
	}
	return err
}

func cmdStatus(e env, _ *flag.FlagSet, _ []string) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	s, err := c.Status()
	if err != nil {
		return explain(err)
	}
	if e.json {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		err = enc.Encode(s)
	} else {
		width := 120
		if f, is := e.out.(*os.File); is {
			if w, _, err := term.GetSize(int(f.Fd())); err == nil {
				width = w
			}
		}
		tui.Table(e.out, s, width)
	}
	if err == nil && !s.Whole() {
		err = errNotWhole
	}
	return err
}

func cmdDown(e env, _ *flag.FlagSet, _ []string) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	said, err := c.Down()
	for _, line := range said {
		fmt.Fprintln(e.err, "lab:", line)
	}
	return explain(err)
}

// cmdDo is each of the lab's own verbs.
func cmdDo(e env, _ *flag.FlagSet, args []string) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	err = c.Do(append([]string{e.name}, args...)...)
	var wrong *labpkg.WordsError
	if errors.As(err, &wrong) {
		return usageError(err.Error())
	}
	return explain(err)
}

// cmdSniff writes what is on the LAN to a file, or to a program that reads a capture.
func cmdSniff(e env, _ *flag.FlagSet, args []string) error {
	ctx, cancel := cli.UntilSignal()
	defer cancel()
	c, err := e.client()
	if err != nil {
		return err
	}
	from, err := c.Sniff()
	if err != nil {
		return explain(err)
	}
	defer from.Close()
	context.AfterFunc(ctx, func() { from.Close() })
	switch {
	case e.to == "-":
		if _, err = io.Copy(e.out, from); errors.Is(err, unix.EPIPE) { // who read it has enough
			err = nil
		}
	case e.to != "":
		var file *os.File
		if file, err = os.Create(e.to); err != nil {
			return err
		}
		_, err = io.Copy(file, from)
		err = errors.Join(err, file.Close())
	default:
		err = e.tshark(ctx, c, from, args)
	}
	if ctx.Err() != nil {
		return nil
	}
	return passStatus(err)
}

// tshark shows a capture by tshark, which is told what hosts are called, and where the distribution is.
func (e env) tshark(ctx context.Context, c *labpkg.Client, from io.Reader, args []string) error {
	s, err := c.Status()
	if err != nil {
		return explain(err)
	}
	fd, err := unix.MemfdCreate("hosts", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("names for tshark: %w", err)
	}
	hosts := os.NewFile(uintptr(fd), "hosts")
	defer hosts.Close()
	io.WriteString(hosts, hostsOf(s))
	own := []string{"-i", "-", "-l", "-N", "n", "-H", "/proc/self/fd/3", "-d", fmt.Sprintf("tcp.port==%d,erldp", labpkg.Port)}
	cmd := exec.CommandContext(ctx, "tshark", append(own, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = from, e.out, e.err, []*os.File{hosts}
	if err := cmd.Run(); !errors.Is(err, exec.ErrNotFound) {
		return err
	}
	return errors.New("tshark is not on this machine: install it, or write a capture for Wireshark: lab sniff -to - | wireshark -k -i -")
}

func cmdLog(e env, _ *flag.FlagSet, args []string) error {
	c, err := e.client()
	if err := cmp.Or(err, e.someLines()); err != nil {
		return err
	}
	lines, err := c.Log(args[0], e.lines)
	if err != nil {
		return explain(err)
	}
	for _, l := range lines {
		fmt.Fprintln(e.out, watch.Clean(l))
	}
	return nil
}

const ctrlCloseBracket = 0x1d

// someLines checks the number of lines that are to be shown.
func (e env) someLines() error {
	if e.lines < 0 {
		return usageError(fmt.Sprintf("-n %d: want a number of lines, 0 or more", e.lines))
	}
	return nil
}

func cmdConsole(e env, _ *flag.FlagSet, args []string) error {
	c, err := e.client()
	if err := cmp.Or(err, e.someLines()); err != nil {
		return err
	}
	last, stream, err := c.Console(args[0], e.lines)
	if err != nil {
		return explain(err)
	}
	return sit(e, stream, &watch.Terminal{To: e.out}, last, "console of "+args[0])
}

func cmdShell(e env, _ *flag.FlagSet, args []string) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	stream, err := c.Shell(args[0])
	if err != nil {
		return explain(err)
	}
	return sit(e, stream, e.out, nil, "ttyS1 of "+args[0]+", where the release's shell is with beaminit.console.tty=ttyS1")
}

// sit joins the terminal, by way of show, to a serial port until Ctrl-].
func sit(e env, stream io.ReadWriteCloser, show io.Writer, last []string, what string) error {
	defer stream.Close()
	end := "\n"
	if fd := int(os.Stdin.Fd()); term.IsTerminal(fd) {
		fmt.Fprintln(e.err, "lab: "+what+"; Ctrl-] leaves")
		old, err := term.MakeRaw(fd)
		if err != nil {
			return err
		}
		defer term.Restore(fd, old)
		end = "\r\n"
	}
	for _, l := range last {
		fmt.Fprint(e.out, watch.Clean(l), end)
	}
	done := make(chan error, 2)
	go func() {
		_, err := io.Copy(show, stream)
		done <- err
	}()
	go func() { done <- typed(stream, os.Stdin) }()
	<-done
	fmt.Fprint(e.out, end)
	return nil
}

// typed sends what is typed until Ctrl-] or the end of the input.
func typed(to io.Writer, from io.Reader) error {
	buf := make([]byte, 256)
	for {
		n, err := from.Read(buf)
		before, _, leave := bytes.Cut(buf[:n], []byte{ctrlCloseBracket})
		if _, werr := to.Write(before); werr != nil {
			return werr
		}
		if leave || err != nil {
			return nil
		}
	}
}
