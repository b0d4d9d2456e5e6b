package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/scenario"
	"github.com/beaminit/beaminit/qemu/web"
)

// desk is what the page has of a lab that runs: all that can be done to it, shells of its nodes,
// and scenarios.
type desk struct {
	*labpkg.Client
	env
	ctx context.Context // of the page

	mu  sync.Mutex
	end context.CancelFunc // of the scenario that was begun last
}

func (d *desk) Verbs() (list []web.Verb) {
	for _, v := range labpkg.Verbs() {
		list = append(list, web.Verb{Name: v.Name, Args: v.Args, Help: v.Help})
	}
	return list
}

// Scenarios are those of the repository that the nodes of this lab can play.
func (d *desk) Scenarios() (names []string) {
	s, err := d.Status()
	root, noRoot := repository()
	if err != nil || noRoot != nil {
		return nil
	}
	files, _ := filepath.Glob(scenarioFile(root, "*"))
	for _, file := range files {
		if f, err := scenario.Read(file); err == nil && f.Lab == "" && f.Append == "" && usualNodes(s, f.Nodes) {
			names = append(names, strings.TrimSuffix(filepath.Base(file), ".scenario"))
		}
	}
	return names
}

// usualNodes tells whether the nodes are those of a lab that was told only how many.
func usualNodes(s labpkg.Status, n int) bool {
	usual, err := labpkg.NodeSpecs(n)
	return err == nil && slices.EqualFunc(s.Nodes, usual, func(a labpkg.NodeStatus, b labpkg.NodeSpec) bool { return a.Name == b.Name })
}

func scenarioFile(root, name string) string {
	return filepath.Join(root, "qemu/scenarios", name+".scenario")
}

func (d *desk) Play(name string) error {
	if !slices.Contains(d.Scenarios(), name) {
		return fmt.Errorf("there is no scenario %q for these nodes", name)
	}
	root, err := repository()
	if err != nil {
		return err
	}
	f, err := scenario.Read(scenarioFile(root, name))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.Status()
	if err == nil && s.Play != nil && s.Play.Runs() {
		err = fmt.Errorf("%s is played; end it first", s.Play.Name)
	}
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(d.ctx)
	d.end = end
	st := stage{d.Client, d.env}
	st.Playing(labpkg.Playing{Name: f.Name, Steps: []string{"begins"}}) // so that no other does meanwhile
	go scenario.Play(ctx, st, f, func(string) {})
	return nil
}

// EndPlay ends what this page began. What has been done to the nodes stays.
func (d *desk) EndPlay() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.end != nil {
		d.end()
	}
}

// Remsh is what lab remsh is, at a terminal of its own.
func (d *desk) Remsh(node string) (io.ReadWriteCloser, error) {
	s, err := d.Status()
	if err != nil {
		return nil, err
	}
	erl, home, err := remsh(d.Dir(), s, node)
	if err != nil {
		return nil, err
	}
	// The lab asks a terminal that is not dumb for its colours; the shell has one of the page's kind.
	join := []string{"join", "-dir", d.Dir(), "env", "TERM=xterm"}
	cmd := exec.Command("/proc/self/exe", append(join, erl...)...)
	cmd.Env = append(os.Environ(), "TERM=dumb")
	tty, err := startOnTerminal(cmd)
	if err != nil {
		os.RemoveAll(home)
		return nil, err
	}
	go func() {
		cmd.Wait()
		os.RemoveAll(home)
	}()
	return &shellOf{tty, cmd}, nil
}

// shellOf is a program at a terminal. Closing it ends the program, as a terminal that closes does.
type shellOf struct {
	io.ReadWriteCloser
	cmd *exec.Cmd
}

func (s *shellOf) Close() error {
	group := -s.cmd.Process.Pid
	err := cmp.Or(s.ReadWriteCloser.Close(), syscall.Kill(group, syscall.SIGHUP))
	time.AfterFunc(5*time.Second, func() { syscall.Kill(group, syscall.SIGKILL) })
	return err
}
