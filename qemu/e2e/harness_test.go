// Package e2e boots whole nodes in QEMU and looks at them from outside: the real
// kernel, the real init, a real ERTS and the demo release.
package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/namespace"
)

var (
	kernel   = flag.String("watchdog-kernel", "", "kernel that has i6300esb, instead of the one in /boot")
	initFlag = flag.String("init", "", "init to boot, instead of the one of this repository")
	labBin   string // the lab command, built for these tests
)

// interval is that of the probes and health records.
const interval = time.Second

// Everything that boots builds and keeps goes here, as with make run.
const buildDir = "../../build/lab-test"

func TestMain(m *testing.M) {
	namespace.Main()
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "lab-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		labBin = filepath.Join(dir, "lab")
		out, err := exec.Command("go", "build", "-o", labBin, "../cmd/lab").CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "build the lab command: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// up boots a lab of n nodes with the demo release, in a directory of the test's own;
// it ends with the test.
func up(t *testing.T, n int, cmdline string) *lab.Lab {
	t.Helper()
	nodes, err := lab.NodeSpecs(n)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, lab.Options{Nodes: nodes, Append: cmdline}, lab.Config(nodes, interval))
}

// start boots a lab with this configuration in its image.
func start(t *testing.T, o lab.Options, config []byte) *lab.Lab {
	t.Helper()
	return startImage(t, o, image.Spec{Config: config})
}

// building is held by the test that builds in buildDir: others run meanwhile.
var building sync.Mutex

// startImage boots a lab with this image; without an init of its own it gets that of
// the tests. An image is kept by what is in it, so each is built once.
func startImage(t *testing.T, o lab.Options, s image.Spec) *lab.Lab {
	t.Helper()
	if s.Init == "" {
		s.Init = theInit(t)
	}
	s.Dir = buildDir
	s.Name = fmt.Sprintf("image-%.4x", sha256.Sum256(fmt.Appendf(nil, "%s %s %q %s", filepath.Base(s.Init), filepath.Base(s.Release), s.Modules, s.Config)))
	building.Lock()
	set, err := image.Build(s, func(s string) { t.Log(s) })
	building.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	return startSet(t, o, set)
}

// theInit is the init of the tests.
func theInit(t *testing.T) string {
	t.Helper()
	if *initFlag != "" {
		return *initFlag
	}
	init, err := buildInit()
	if err != nil {
		t.Fatal(err)
	}
	return init
}

var buildInit = sync.OnceValues(func() (string, error) { return image.BuildInit("../..", "") })

// startSet boots a lab with what is built already.
func startSet(t *testing.T, o lab.Options, set image.Set) *lab.Lab {
	t.Helper()
	o.Dir, o.Image = t.TempDir(), set
	if o.Interval == 0 {
		o.Interval = interval
	}
	l, err := lab.Up(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	if err := l.Serve(l.Close); err != nil {
		t.Fatal(err)
	}
	return l
}

// join runs a program as a host of the lab's LAN and gives what it printed.
func join(t *testing.T, l *lab.Lab, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, labBin, append([]string{"join", "-dir", l.Dir()}, args...)...)
	cmd.WaitDelay = time.Second
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lab join %s: %v\n%s%s", args[0], err, out, complaints.String())
	}
	return string(out)
}

func cookie(t *testing.T, l *lab.Lab) string {
	t.Helper()
	c, err := os.ReadFile(filepath.Join(l.Dir(), "cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return string(c)
}
