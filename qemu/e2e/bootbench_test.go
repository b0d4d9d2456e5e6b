package e2e

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
)

// What make bench-boot boots.
var (
	benchBoots = flag.Int("bench.boots", 0, "boots of each init in TestBootBench; 0: it is not run")
	benchInit  = flag.String("bench.erlinit", "", "an erlinit, static, to boot beside beaminit")
)

// asShipped is health.interval where nobody sets it.
const asShipped = 10 * time.Second

//go:embed testdata/bench-boot
var benchFiles embed.FS

// boots are those of one init: of each the slowest node's time, in seconds since the kernel
// began, until its applications were started and until it was connected to both others; and
// the share of the CPU that all which is not the VM had used until it was started.
type boots struct{ started, whole, share []float64 }

// How long three nodes take from power-on to a cluster, with beaminit and, where there is one,
// with erlinit, a script and epmd, in turn: the same kernel, initramfs, ERTS, release and LAN,
// one processor a node.
func TestBootBench(t *testing.T) {
	if *benchBoots == 0 {
		t.Skip("make bench-boot: what is measured wants the machine for itself")
	}
	nodes, err := lab.NodeSpecs(3)
	if err != nil {
		t.Fatal(err)
	}
	toml := string(lab.Config(nodes, asShipped)) + "[release]\nargs = [\"-eval\", 'file:eval(\"/etc/bench.erl\")']\n"
	sets := map[string]image.Set{"beaminit": benchRoot(t, theInit(t), map[string]string{"etc/beaminit.toml": toml})}
	inits := []string{"beaminit"}
	if *benchInit != "" {
		hosts := "127.0.0.1 localhost\n"
		for _, n := range nodes {
			hosts += fmt.Sprintf("%s %s\n", n.Address, n.Name)
		}
		sets["erlinit"] = benchRoot(t, *benchInit, map[string]string{
			"etc/hosts": hosts, "etc/erlinit.config": benchFile(t, "erlinit.config"), "etc/network.sh": benchFile(t, "network.sh"),
			"srv/erlang/releases/1.0.0/vm.args": benchFile(t, "vm.args"), "srv/erlang/releases/start_erl.data": ertsVersion(t) + " 1.0.0\n",
		})
		inits = append(inits, "erlinit")
	}
	seen := map[string]*boots{}
	for range *benchBoots {
		for _, init := range inits {
			if seen[init] == nil {
				seen[init] = &boots{}
			}
			seen[init].boot(t, nodes, sets[init])
		}
	}
	for _, init := range inits {
		b := seen[init]
		t.Logf("boot: %-8s started %.2f s (%.2f to %.2f), whole %.2f s (%.2f to %.2f), all but the VM %.1f %% of the CPU until started", init,
			median(b.started), slices.Min(b.started), slices.Max(b.started), median(b.whole), slices.Min(b.whole), slices.Max(b.whole), median(b.share))
	}
	if b, e := seen["beaminit"], seen["erlinit"]; e != nil {
		t.Logf("boot: beaminit to erlinit: started %.2f, whole %.2f", median(b.started)/median(e.started), median(b.whole)/median(e.whole))
	}
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

var benchLine = regexp.MustCompile(`bench: \w+ ([0-9.]+)(.*)`)

// boot boots three nodes of an image until they are one cluster, and adds what they say.
func (b *boots) boot(t *testing.T, nodes []lab.NodeSpec, set image.Set) {
	t.Helper()
	l := startSet(t, lab.Options{Nodes: nodes, Interval: asShipped}, set)
	defer l.Close()
	var started, whole, share float64
	for _, n := range l.Nodes() {
		for what, slowest := range map[string]*float64{"started": &started, "whole": &whole} {
			line, err := n.WaitLine(within(t), "bench: "+what)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(n.Name(), line)
			m := benchLine.FindStringSubmatch(line)
			at, _ := strconv.ParseFloat(m[1], 64)
			if *slowest = max(*slowest, at); what == "started" {
				share = max(share, ours(t, m[2])/at)
			}
		}
	}
	b.started, b.whole, b.share = append(b.started, started), append(b.whole, whole), append(b.share, share)
}

// ours sums what the processes that are not the VM's have used, in hundredths of a second.
func ours(t *testing.T, processes string) (sum float64) {
	t.Helper()
	for _, p := range strings.Fields(processes) {
		name, used, _ := strings.Cut(p, "=")
		n, err := strconv.Atoi(used)
		if err != nil {
			t.Fatalf("%q in %q", p, processes)
		}
		if name != "beam.smp" && name != "erl_child_setup" && name != "inet_gethost" {
			sum += float64(n)
		}
	}
	return sum
}

// benchFile is one of the files that make bench-boot puts into an image.
func benchFile(t *testing.T, name string) string {
	t.Helper()
	text, err := benchFiles.ReadFile("testdata/bench-boot/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// benchRoot makes what a node boots from, with this init and these files, and BusyBox and epmd
// for the one that wants them: both have the same. programs of this machine are in it besides.
func benchRoot(t *testing.T, init string, more map[string]string, programs ...string) image.Set {
	t.Helper()
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	for _, d := range []string{"bin", "data", "dev", "etc", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "srv/erlang/releases/1.0.0"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell(t, "cp -a ../../build/test/systools/. "+root+"/srv/erlang; cp "+init+" "+root+"/sbin/init; cp /bin/busybox "+root+"/bin; for p in sh cat ip hostname; do ln -s busybox "+root+"/bin/$p; done")
	for name, text := range map[string]string{"etc/hosts": "", "etc/resolv.conf": "", "etc/bench.erl": benchFile(t, "bench.erl")} {
		if more[name] == "" {
			more[name] = text
		}
	}
	for name, text := range more {
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	squashfs := filepath.Join(dir, "root.squashfs")
	for _, p := range programs {
		shell(t, "install -D "+p+" "+root+p)
	}
	if err := image.AddLibraries(root, root); err != nil {
		t.Fatal(err)
	}
	shell(t, "mksquashfs "+root+" "+squashfs+" -noappend -quiet -no-progress -comp lz4 -b 128K -all-root")
	kernel, err := image.FindKernel("")
	if err != nil {
		t.Fatal(err)
	}
	set, err := image.Deployed(squashfs, image.Spec{Kernel: kernel.File, Dir: dir, Init: theInit(t)}, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// ertsVersion is that of the release, which systools leaves to others to write down.
func ertsVersion(t *testing.T) string {
	t.Helper()
	dirs, err := filepath.Glob("../../build/test/systools/erts-*")
	if err != nil || len(dirs) != 1 {
		t.Fatalf("build/test/systools has %v; make build/test", dirs)
	}
	return strings.TrimPrefix(filepath.Base(dirs[0]), "erts-")
}

func shell(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatal(errors.Join(err, errors.New(string(out))))
	}
}
