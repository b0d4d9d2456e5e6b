// Package bench counts what an init costs: the guest instructions from the
// kernel's hand-over to the exec of ERTS, its size, and the memory it keeps while
// a release runs. The machine is QEMU's with -icount, where a nanosecond of the
// guest's clock is one instruction, so the figures repeat to a twentieth on any
// host; they are counts, not times.
package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/qemu/image"
)

// Result is what one init costs.
type Result struct {
	Instructions int // from the exec of /sbin/init to that of erlexec
	Size         int // of the binary, bytes
	RSS, PSS     int // of PID 1 two seconds later, bytes
}

// Budget is the most that beaminit may cost. Within it the plainer code wins.
var Budget = Result{Instructions: 5_500_000, Size: 6_000_000, PSS: 4_000_000}

// Today is what beaminit may cost until it is within the Budget again: of instructions and
// bytes it takes more. It gets smaller, or what it got larger for is named here: of bytes
// containers (20 KB), services that are awaited (20 KB), and data partitions that are made,
// checked, grown and reset (114 KB), cgroups (25 KB), devices (40 KB) and rooms with walls between (20 KB), which the Budget had not
// reckoned with; of instructions what an image brings for other inits, which is looked for at fifty
// places of it (0.2 M), and the mounts, which are read to know what may hang (0.1 M).
var Today = Result{Instructions: 7_100_000, Size: 6_890_000, PSS: Budget.PSS}

// config is the node that every init gets: eth0 by ip=, three peers, a release.
const config = `[peers]
eclero6  = "192.168.7.6"
eclero8  = "192.168.7.8"
eclero10 = "192.168.7.10"

[distribution]
name        = "eclero"
port        = 17012
cookie_file = "/data/cookie"
`

// cmdline has the kernel note every exec in its log; quiet keeps the serial line,
// whose speed is none of the init's business, out of the count.
const cmdline = "console=ttyS0 quiet panic=-1 trace_event=sched:sched_process_exec tp_printk net.ifnames=0 " +
	"HANDOVER_MODULES=virtio_pci,virtio_net ip=192.168.7.6::192.168.7.1:255.255.255.0:eclero6:eth0:off"

// Run boots init once and counts.
func Run(ctx context.Context, init string, tools Tools, k image.Kernel) (Result, error) {
	data, err := os.ReadFile(init)
	if err != nil {
		return Result{}, err
	}
	archive, err := writeArchive(data, tools, k)
	if err != nil {
		return Result{}, err
	}
	defer os.Remove(archive)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=0",
		// Without fast string moves a zeroed page costs its stores, as on hardware.
		"-cpu", "max,-erms,-fsrm", "-m", "256", "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio",
		"-netdev", "hubport,id=lan,hubid=0", "-device", "virtio-net-pci,netdev=lan",
		"-kernel", k.File, "-initrd", archive, "-append", cmdline)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return Result{}, fmt.Errorf("qemu: %w\n%s", err, tail(out))
	}
	r, err := parse(out)
	r.Size = len(data)
	return r, err
}

// Best is the smallest count of so many boots: timers of the Go runtime make them differ by
// a twentieth.
func Best(ctx context.Context, boots int, init string, tools Tools, k image.Kernel) (best Result, err error) {
	for i := range boots {
		r, err := Run(ctx, init, tools, k)
		if err != nil {
			return best, fmt.Errorf("%s: %w", init, err)
		}
		if i == 0 || r.Instructions < best.Instructions {
			best = r
		}
	}
	return best, nil
}

var (
	execLine = regexp.MustCompile(`bench \d+,\d+,(\d+),[^;]*;sched_process_exec: filename=(\S+) `)
	memLine  = regexp.MustCompile(`bench ([RP]ss): +(\d+) kB`)
)

// parse reads what the benchmark's erlexec printed.
func parse(out []byte) (r Result, err error) {
	var begun, ended int
	for _, m := range execLine.FindAllSubmatch(out, -1) {
		at, _ := strconv.Atoi(string(m[1])) // µs of the guest's clock: 1,000 instructions
		switch name := string(m[2]); {
		case name == "/sbin/init":
			begun = at
		case strings.HasSuffix(name, "/erlexec") && ended == 0:
			ended = at
		}
	}
	for _, m := range memLine.FindAllSubmatch(out, -1) {
		kb, _ := strconv.Atoi(string(m[2]))
		if string(m[1]) == "Rss" {
			r.RSS = kb << 10
		} else {
			r.PSS = kb << 10
		}
	}
	if begun == 0 || ended <= begun {
		return r, errors.New("no exec of ERTS was seen; the end of the console:\n" + tail(out))
	}
	r.Instructions = (ended - begun) * 1000
	return r, nil
}

func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(out, []byte("?")))), "\n")
	return strings.Join(lines[max(0, len(lines)-100):], "\n")
}

// writeArchive makes the machine: everything is in the initramfs, so that no disk
// and no decompression is counted.
func writeArchive(init []byte, t Tools, k image.Kernel) (string, error) {
	const dir = fs.ModeDir | 0o755
	const erts = "srv/erlang/erts-13.1.5/bin/"
	files := []image.File{
		{Name: "init", Mode: 0o755, Data: t.Handover},
		{Name: "sbin/init", Mode: 0o755, Data: init},
		{Name: erts + "erlexec", Mode: 0o755, Data: t.Erlexec},
		{Name: erts + "beam.smp", Mode: 0o755},
		{Name: "srv/erlang/releases/start_erl.data", Mode: 0o644, Data: []byte("13.1.5 0.1.0\n")},
		{Name: "srv/erlang/releases/0.1.0/start.boot", Mode: 0o644},
		{Name: "srv/erlang/releases/0.1.0/sys.config", Mode: 0o644, Data: []byte("[].\n")},
		{Name: "srv/erlang/releases/0.1.0/vm.args", Mode: 0o644, Data: []byte("+sbwt none\n")},
		{Name: "srv/erlang/lib", Mode: dir},
		{Name: "etc/beaminit.toml", Mode: 0o644, Data: []byte(config)},
		{Name: "etc/hosts", Mode: 0o644},
		{Name: "data/cookie", Mode: 0o400, Data: []byte("benchmark")},
	}
	for _, d := range []string{"dev", "proc", "sys", "run", "tmp", "root"} {
		files = append(files, image.File{Name: d, Mode: dir})
	}
	f, err := os.CreateTemp("", "beaminit-bench-*.cpio")
	if err != nil {
		return "", err
	}
	err = errors.Join(image.WriteInitramfs(f, files, k, "virtio_pci", "virtio_net"), f.Close())
	return f.Name(), err
}

// Tools are the programs of the benchmark's machine.
type Tools struct{ Handover, Erlexec []byte }

// Build builds the tools and the yardstick into dir; bare is the path of the latter.
func Build(dir string) (t Tools, bare string, err error) {
	for _, name := range []string{"handover", "erlexec", "bare"} {
		out := filepath.Join(dir, "bench-"+name)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./bench/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return t, "", fmt.Errorf("go build %s: %w\n%s", name, err, text)
		}
	}
	if t.Handover, err = os.ReadFile(filepath.Join(dir, "bench-handover")); err == nil {
		t.Erlexec, err = os.ReadFile(filepath.Join(dir, "bench-erlexec"))
	}
	return t, filepath.Join(dir, "bench-bare"), err
}
