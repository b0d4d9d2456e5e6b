package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/scenario"
	"github.com/beaminit/beaminit/qemu/watch/cli"
)

// readScenario reads the scenario to be played, and the lab file that it names.
func (e *env) readScenario(fs *flag.FlagSet, path string) error {
	text, err := cli.ReadFile(path)
	if err != nil {
		return usageError("scenario: " + err.Error())
	}
	f, err := scenario.ParseFile(path, string(text))
	if err != nil {
		return usageError(err.Error())
	}
	if e.slow < 1 || e.slow > 100 {
		return usageError(fmt.Sprintf("-slow %d: want a number from 1 to 100", e.slow))
	}
	f.Slow(e.slow)
	e.scenario = f
	given := false
	fs.Visit(func(f *flag.Flag) { given = given || f.Name == "nodes" })
	switch {
	case f.Lab != "":
		err = e.setup.readFile(fs, []string{f.Lab})
	case !given:
		e.setup.nodes = f.Nodes
	}
	e.setup.append = strings.TrimSpace(f.Append + " " + e.setup.append)
	if err != nil {
		return err
	}
	nodes, err := e.setup.specs()
	if err == nil {
		err = f.Check(nodes, e.setup.lans.specs())
	}
	if err != nil {
		return usageError(err.Error())
	}
	return nil
}

// cmdPlay boots a lab for a scenario, plays it, and ends the lab.
func cmdPlay(e env, _ *flag.FlagSet, args []string) error {
	ctx, cancel := cli.UntilSignal()
	defer cancel()
	f := e.scenario
	l, err := e.boot(ctx, cancel)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := e.page(ctx, labpkg.NewClient(l.Dir())); err != nil {
		return err
	}
	fmt.Fprintln(e.out, f.Name)
	r := scenario.Play(ctx, stage{l, e}, f, func(line string) { fmt.Fprintln(e.out, line) })
	err = errors.Join(writeTo(e.junit, r.JUnit), writeTo(e.svg, r.SVG))
	if failed := r.Err(); failed != nil {
		return fmt.Errorf("%s: %w", args[0], failed)
	}
	return err
}

// played is a lab to play on, in this process or another.
type played interface {
	Dir() string
	Status() (labpkg.Status, error)
	Do(words ...string) error
	Said(node string, seen int) (lines []string, total int, err error)
	Playing(labpkg.Playing)
}

// stage is the lab of a scenario. What joins it does so as by lab join.
type stage struct {
	played
	env
}

func (s stage) Host(ctx context.Context, address string, program []string) (func() error, error) {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append([]string{"join", "-dir", s.Dir(), "-address", address}, program...)...)
	cmd.Stdout, cmd.Stderr = s.err, s.err
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has children
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd.Wait, cmd.Start()
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
