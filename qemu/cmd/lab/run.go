package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/qemu/image"
	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/tui"
	"github.com/beaminit/beaminit/qemu/watch/cli"
)

func cmdRun(e env, fs *flag.FlagSet, args []string) error {
	ctx, cancel := cli.UntilSignal()
	defer cancel()
	l, err := e.boot(ctx, cancel)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := e.page(ctx, labpkg.NewClient(l.Dir())); err != nil {
		return err
	}
	err = cli.Show(ctx, e.out, l, e.note)
	why := cli.Why(ctx)
	if err != nil {
		why, err = err.Error(), errNotWhole
	}
	if !l.Closed() { // lab down has not
		e.powerOff(l, why)
	}
	return err
}

// boot builds what is missing and starts the machines; "lab down" from elsewhere ends
// what is done with them, too.
func (e env) boot(ctx context.Context, cancel func()) (*labpkg.Lab, error) {
	if err := e.portFree(); err != nil {
		return nil, err
	}
	o, err := e.setup.options(e.saying())
	if err != nil {
		return nil, err
	}
	e.booting(o)
	return e.start(ctx, cancel, o)
}

// start starts the machines. Once they run, a signal does not end them: who called lets them go down in order.
func (e env) start(ctx context.Context, cancel func(), o labpkg.Options) (*labpkg.Lab, error) {
	starting, end := context.WithCancel(context.Background())
	begun := context.AfterFunc(ctx, end)
	l, err := labpkg.Up(starting, o)
	if err != nil {
		end()
		return nil, explain(err)
	}
	begun()
	if err := l.Serve(func() { l.Close(); cancel() }); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// powerOff lets the nodes go down in order; a second Ctrl-C ends it at once.
func (e env) powerOff(l *labpkg.Lab, why string) {
	ctx, stop := cli.UntilSignal()
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, labpkg.DownTimeout)
	defer cancel()
	if why != "" {
		why += ": "
	}
	e.saying()(why + "powering off the nodes; Ctrl-C again switches them off at once")
	for _, line := range l.PowerOff(ctx) {
		e.saying()(line)
	}
}

func (e env) booting(o labpkg.Options) {
	if o.As == labpkg.AsNS {
		e.saying()(fmt.Sprintf("starting %d nodes as namespaces of this machine's kernel %s, root %s",
			len(o.Nodes), o.Image.Kernel.Version, image.Size(o.Image.Root)))
		return
	}
	initramfs := "no initramfs"
	if o.Image.Initramfs != "" {
		initramfs = "initramfs " + image.Size(o.Image.Initramfs)
	}
	e.saying()(fmt.Sprintf("booting %d nodes with kernel %s, image %s, %s",
		len(o.Nodes), o.Image.Kernel.Version, image.Size(o.Image.Root), initramfs))
}

// explain adds to an error what to do about it.
func explain(err error) error {
	switch {
	case errors.Is(err, labpkg.ErrRuns):
		return fmt.Errorf("%w: lab watch shows it, lab down ends it", err)
	case errors.Is(err, labpkg.ErrNone):
		return fmt.Errorf("%w: lab up starts one", err)
	}
	return err
}

// withoutWait drops the flag that up has and serve has not.
func withoutWait(args []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		switch name := strings.TrimLeft(args[i], "-"); {
		case name == "wait" && args[i] != name:
			i++
		case strings.HasPrefix(name, "wait=") && args[i] != name:
		default:
			out = append(out, args[i])
		}
	}
	return out
}

// cmdUp builds in the foreground, where it can be seen, and leaves the lab itself to
// a process of its own.
func cmdUp(e env, fs *flag.FlagSet, args []string) error {
	ctx, cancel := cli.UntilSignal()
	defer cancel()
	dir, err := e.setup.labDir()
	if err != nil {
		return err
	}
	client := labpkg.NewClient(dir)
	if _, err := client.Status(); err == nil {
		e.saying()("a lab runs already, with what it was started with; lab down ends it")
	} else {
		o, err := e.setup.options(e.saying())
		if err != nil {
			return err
		}
		e.booting(o)
		if err := e.background(ctx, dir, client); err != nil {
			return err
		}
	}
	ctx, stop := context.WithTimeout(ctx, e.setup.wait)
	defer stop()
	err = tui.Plain(ctx, e.out, client, steady(5*time.Second))
	switch why := cli.Why(ctx); {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("not every node is up after %v; the lab goes on: lab status, lab log NODE, lab down", e.setup.wait)
	case why != "":
		return fmt.Errorf("%s: not every node is up yet; the lab goes on: lab status, lab log NODE, lab down", why)
	case errors.Is(err, labpkg.ErrNone), errors.Is(err, labpkg.ErrEnded):
		said, _ := os.ReadFile(logFile(dir))
		return fmt.Errorf("the lab has ended; %s says:\n%s", logFile(dir), said)
	}
	return err
}

// logFile is what a lab in the background says.
func logFile(dir string) string { return filepath.Join(labpkg.RunDir(dir), "lab.log") }

// steady gives a condition that is met when all nodes have been up for d. A release
// is up as soon as its VM answers, and a moment later it may end because one of its
// applications does not start.
func steady(d time.Duration) func(labpkg.Status) bool {
	var since time.Time
	return func(s labpkg.Status) bool {
		switch {
		case !s.Whole():
			since = time.Time{}
			return false
		case since.IsZero():
			since = s.At
		}
		return s.At.Sub(since) >= d
	}
}

// background starts "lab serve" with the flags of this command, out of reach of the
// terminal, and waits until it answers.
func (e env) background(ctx context.Context, dir string, client *labpkg.Client) error {
	if err := os.MkdirAll(labpkg.RunDir(dir), 0o755); err != nil {
		return err
	}
	out, err := os.Create(logFile(dir))
	if err != nil {
		return err
	}
	defer out.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, append([]string{"serve"}, withoutWait(e.setup.words[1:])...)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	for {
		if _, err := client.Status(); err == nil {
			return nil
		}
		select {
		case <-ended:
			said, _ := os.ReadFile(logFile(dir))
			return fmt.Errorf("the lab ended at once:\n%s", said)
		case <-ctx.Done():
			cmd.Process.Signal(syscall.SIGTERM)
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func cmdServe(e env, fs *flag.FlagSet, args []string) error {
	ctx, cancel := cli.UntilSignal()
	defer cancel()
	o, err := e.setup.options(e.saying())
	if err != nil {
		return err
	}
	l, err := e.start(ctx, cancel, o)
	if err != nil {
		return err
	}
	defer l.Close()
	e.logged("the nodes are started")
	<-ctx.Done()
	why := cli.Why(ctx)
	e.logged("the lab ends: " + cmp.Or(why, "lab down"))
	if why != "" {
		e.powerOff(l, "")
	}
	l.Close()
	time.Sleep(100 * time.Millisecond) // the answer to "down" is on its way
	return nil
}

// logged is for the log of a lab in the background.
func (e env) logged(text string) { e.saying()(time.Now().Format(time.DateTime) + " " + text) }

func cmdImage(e env, fs *flag.FlagSet, args []string) error {
	o, err := e.setup.options(e.saying())
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "kernel     %s\n", o.Image.Kernel.File)
	if o.Image.Initramfs != "" {
		fmt.Fprintf(e.out, "initramfs  %s  %s\n", o.Image.Initramfs, image.Size(o.Image.Initramfs))
	}
	fmt.Fprintf(e.out, "image      %s  %s\n", o.Image.Root, image.Size(o.Image.Root))
	return nil
}
