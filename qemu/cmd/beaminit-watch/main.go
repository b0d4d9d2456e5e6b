// Command beaminit-watch shows the health of nodes by what their serial lines say: what "lab
// watch SOURCE" does, as a program of its own for machines that have no lab.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/beaminit/beaminit/qemu/watch"
	"github.com/beaminit/beaminit/qemu/watch/cli"
	"github.com/beaminit/beaminit/qemu/web"
)

var version = "dev" // set by the linker

const usage = `usage: beaminit-watch [flags] SOURCE ...

Shows beaminit nodes by what their serial consoles say. A SOURCE is a serial port (/dev/ttyUSB0,
/dev/cu.usbserial-1, COM3), a file, which may grow, a FIFO, a unix socket, tcp:HOST:PORT of a
terminal server, udp:PORT where netconsole sends to, or -, the standard input.

`

const statuses = `
Exit status: 0 ok, 1 failed or not every node as required, 2 wrong command line.
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errOut io.Writer) int {
	var w cli.Watch
	fs := flag.NewFlagSet("beaminit-watch", flag.ContinueOnError)
	w.Flags(fs)
	var page web.Flag
	fs.Var(&page, "web", web.FlagHelp)
	w.Also = func(ctx context.Context, from *watch.Serial) (note string, err error) {
		if !page.On {
			return "", nil
		}
		address, err := web.Serve(ctx, page.Port, from)
		if err != nil {
			return "", cli.UsageError("-web: " + err.Error())
		}
		note = "page: " + address
		fmt.Fprintln(errOut, "beaminit-watch:", note)
		return note, nil
	}
	tell := fs.Bool("version", false, "tell the version")
	sources, err := cli.Parse(fs, args, false)
	switch {
	case errors.Is(err, flag.ErrHelp):
		help(fs, out)
		return cli.OK
	case err != nil:
		fmt.Fprintf(errOut, "beaminit-watch: %v; beaminit-watch -h lists the flags\n", err)
		return cli.BadUsage
	case *tell:
		fmt.Fprintln(out, "beaminit-watch", version)
		return cli.OK
	case len(sources) == 0:
		help(fs, errOut)
		return cli.BadUsage
	}
	ctx, cancel := cli.UntilSignal()
	defer cancel()
	err = w.Run(ctx, sources, out)
	switch {
	case err == nil:
		return cli.OK
	case errors.Is(err, cli.ErrNotWhole):
		return cli.Failed
	}
	fmt.Fprintln(errOut, "beaminit-watch:", err)
	var wrong cli.UsageError
	if errors.As(err, &wrong) {
		return cli.BadUsage
	}
	return cli.Failed
}

func help(fs *flag.FlagSet, to io.Writer) {
	fmt.Fprint(to, usage)
	fs.SetOutput(to)
	fs.PrintDefaults()
	fmt.Fprint(to, statuses)
}
