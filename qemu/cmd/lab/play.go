package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/scenario"
)

// cmdPlay boots a lab for a scenario, plays it, and ends the lab.
func cmdPlay(e env, _ *flag.FlagSet, args []string) error {
	ctx, cancel := untilSignal()
	defer cancel()
	f, err := scenario.Read(args[0])
	if err != nil {
		return usageError(err.Error())
	}
	e.setup.nodes = f.Nodes
	e.setup.append = strings.TrimSpace(f.Append + " " + e.setup.append)
	l, err := e.boot(ctx, cancel)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := e.page(ctx, labpkg.NewClient(l.Dir())); err != nil {
		return err
	}
	fmt.Fprintln(e.out, f.Name)
	r := scenario.Play(ctx, l, f, func(line string) { fmt.Fprintln(e.out, line) })
	err = errors.Join(writeTo(e.junit, r.JUnit), writeTo(e.svg, r.SVG))
	if failed := r.Err(); failed != nil {
		return fmt.Errorf("%s: %w", args[0], failed)
	}
	return err
}

// writeTo writes to the file of that name, where there is one.
func writeTo(path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
