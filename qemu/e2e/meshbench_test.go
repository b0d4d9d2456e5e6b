package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/namespace"
)

// What make bench-mesh measures.
var (
	meshNodes = flag.String("mesh.nodes", "", "numbers of nodes that TestMeshBench boots, such as 3,5,10; empty: it is not run")
	meshTimes = flag.Int("mesh.times", 3, "how often each of them")
	meshPlot  = flag.String("mesh.plot", "", "SVG to draw the result into")
)

// meshPatience is how long a cluster may take to become whole.
const meshPatience = 10 * time.Minute

// mesh is what clusters of so many nodes took, each in seconds: from the start of the first to when every one was
// up and connected to all others, and of the processors for one node until then.
type mesh struct {
	nodes      int
	whole, cpu []float64
}

// How long nodes that are namespaces of this machine take from their start to a cluster of which every one is up and
// connected to all others. All of them start at once, on the same few processors.
func TestMeshBench(t *testing.T) {
	if *meshNodes == "" {
		t.Skip("make bench-mesh: what is measured wants the machine for itself")
	}
	nstest.AsRoot(t)
	var all []mesh
	for _, text := range strings.Split(*meshNodes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		m := mesh{nodes: n}
		for range *meshTimes {
			m.boot(t)
		}
		t.Logf("mesh: %2d nodes whole after %5.1f s (%.1f to %.1f), %.1f s of a processor for each; load before %s", n,
			median(m.whole), slices.Min(m.whole), slices.Max(m.whole), median(m.cpu), load())
		all = append(all, m)
	}
	if *meshPlot != "" {
		nstest.Must(t, os.WriteFile(*meshPlot, plotMesh(all), 0o644))
	}
}

// boot boots them until they are whole, and notes what it took.
func (m *mesh) boot(t *testing.T) {
	t.Helper()
	nodes, err := lab.NodeSpecs(m.nodes)
	nstest.Must(t, err)
	set, err := image.Directory(image.Spec{Dir: buildDir, Init: theInit(t), Name: fmt.Sprintf("mesh-%d", m.nodes), Config: lab.AsNamespaces(lab.Config(nodes, asShipped))}, func(string) {})
	nstest.Must(t, err)
	begun, used := time.Now(), processorTime(t)
	l := startSet(t, lab.Options{Nodes: nodes, As: lab.AsNS, Nice: namespace.Prefer(), Interval: asShipped}, set)
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), meshPatience)
	defer cancel()
	if err := l.WaitWhole(ctx); err != nil {
		t.Fatal(err)
	}
	m.whole = append(m.whole, time.Since(begun).Seconds())
	m.cpu = append(m.cpu, (processorTime(t)-used)/float64(m.nodes))
}

// processorTime is what all processors together have worked, in seconds (proc_stat(5)): user, nice, system, irq and softirq.
func processorTime(t *testing.T) (sum float64) {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	nstest.Must(t, err)
	line, _, _ := strings.Cut(string(text), "\n")
	for i, f := range strings.Fields(line)[1:] {
		if v, err := strconv.ParseFloat(f, 64); err == nil && slices.Contains([]int{0, 1, 2, 5, 6}, i) {
			sum += v / 100 // USER_HZ
		}
	}
	return sum
}

// load is that of the last minute.
func load() string {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return "?"
	}
	return fmt.Sprintf("%.1f on %d processors", float64(info.Loads[0])/(1<<16), runtime.NumCPU())
}

// The measures of the plot, in its own units.
const (
	meshLeft, meshTop     = 60, 40
	meshWidth, meshHeight = 640, 300
	meshTicks             = 6
)

// plotMesh is an SVG of the time against the number of nodes: the median as a line, and each cluster as a dot.
func plotMesh(all []mesh) []byte {
	mostX, mostY := 1.0, 1.0
	for _, m := range all {
		mostX, mostY = max(mostX, float64(m.nodes)), max(mostY, slices.Max(m.whole))
	}
	stepY := round(mostY / meshTicks)
	mostY = stepY * float64(int(mostY/stepY)+1)
	x := func(n float64) float64 { return meshLeft + n/mostX*meshWidth }
	y := func(s float64) float64 { return meshTop + meshHeight - s/mostY*meshHeight }
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 740 390\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n")
	fmt.Fprintf(&b, "<text x=\"8\" y=\"20\" font-size=\"14\">Seconds from the start of all nodes to a mesh of all, by the number of nodes (namespaces on %d processors)</text>\n", runtime.NumCPU())
	for s := 0.0; s <= mostY; s += stepY {
		fmt.Fprintf(&b, "<path d=\"M%d %.1fh%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#555\">%.0f s</text>\n", meshLeft, y(s), meshWidth, meshLeft-6, y(s)+4, s)
	}
	line := ""
	for i, m := range all {
		line += fmt.Sprintf("%c%.1f %.1f", "ML"[min(i, 1)], x(float64(m.nodes)), y(median(m.whole)))
		fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">%d</text>\n", x(float64(m.nodes)), meshTop+meshHeight+18, m.nodes)
		for _, s := range m.whole {
			fmt.Fprintf(&b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#1668a8\" fill-opacity=\"0.5\"/>\n", x(float64(m.nodes)), y(s))
		}
	}
	fmt.Fprintf(&b, "<path d=\"%s\" stroke=\"#1668a8\" stroke-width=\"2\" fill=\"none\"/>\n</svg>\n", line)
	return []byte(b.String())
}

// round is the next number up of 1, 2, 5, 10, 20, 50 …
func round(v float64) float64 {
	for unit := 1.0; ; unit *= 10 {
		for _, k := range []float64{1, 2, 5} {
			if k*unit >= v {
				return k * unit
			}
		}
	}
}
