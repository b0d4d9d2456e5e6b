package supervise_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// BenchmarkRestart measures from the kill of what an init has started to the first
// instruction of the next: of beaminit, whose first restart has no back-off, and of
// BusyBox init's respawn (Debian's busybox-static). Both start the same program.
//
//	go test -run '^$' -bench Restart -benchtime 10x ./supervise
func BenchmarkRestart(b *testing.B) {
	program := buildStarted(b)
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		b.Skip("no busybox: busybox-static is not installed")
	}
	var ours, theirs time.Duration
	b.Run("beaminit", func(b *testing.B) { ours = restarts(b, beaminitWith(program)) })
	b.Run("busybox", func(b *testing.B) { theirs = restarts(b, busyboxWith(busybox, program)) })
	if ours > 0 && theirs > 0 {
		fmt.Printf("restart: beaminit %v, BusyBox init %v: 1 : %.0f\n", ours, theirs, float64(theirs)/float64(ours))
	}
}

// buildStarted builds the program that is started: it notes when, and stays.
func buildStarted(b *testing.B) string {
	out := filepath.Join(b.TempDir(), "started")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", out, "./testdata/started")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, text)
	}
	return out
}

// beaminitWith is a machine of beaminit's, whose release is the program.
func beaminitWith(program string) machine.Spec {
	const erts = "srv/erlang/erts-13.1.5/bin/"
	return machine.Spec{
		Cmdline:  "hostname=node1",
		Programs: map[string]string{erts + "erlexec": program, erts + "beam.smp": program},
		Files: map[string]string{
			"srv/erlang/releases/start_erl.data":   "13.1.5 0.1.0\n",
			"srv/erlang/releases/0.1.0/start.boot": "", "srv/erlang/releases/0.1.0/sys.config": "[].\n",
			"srv/erlang/lib/none": "", "data/cookie": "benchmark",
		},
	}
}

func busyboxWith(busybox, program string) machine.Spec {
	return machine.Spec{
		Program: busybox, Programs: map[string]string{"usr/started": program},
		Files: map[string]string{"etc/inittab": "::respawn:/usr/started\n"},
	}
}

// restarts gives the median of b.N first restarts, each on a new machine.
func restarts(b *testing.B, s machine.Spec) time.Duration {
	var took []time.Duration
	for i := 0; i < b.N; i++ {
		log := b.TempDir()
		s.Bind = map[string]string{"mnt": log}
		m := machine.Start(b, s)
		pid, _ := started(m, log, 1)
		killed := monotonic()
		m.Must(unix.Kill(childNumbered(m, pid), unix.SIGKILL))
		_, again := started(m, log, 2)
		took = append(took, again-killed)
		m.PowerOff()
	}
	slices.Sort(took)
	median := took[len(took)/2]
	b.ReportMetric(float64(median)/1e6, "ms/restart")
	b.ReportMetric(0, "ns/op")
	return median
}

// started waits for the n-th line that the program wrote: its process and when.
func started(m *machine.Machine, log string, n int) (pid int, at time.Duration) {
	m.T.Helper()
	deadline := time.Now().Add(nstest.Patience)
	for time.Now().Before(deadline) {
		text, _ := os.ReadFile(filepath.Join(log, "started"))
		if lines := strings.SplitAfter(string(text), "\n"); len(lines) > n {
			f := strings.Fields(lines[n-1])
			pid, _ = strconv.Atoi(f[0])
			ns, _ := strconv.ParseInt(f[1], 10, 64)
			return pid, time.Duration(ns)
		}
		time.Sleep(200 * time.Microsecond) // a file has no event that is as exact
	}
	m.T.Fatalf("not started %d times\n%s", n, m.Tail())
	return 0, 0
}

func monotonic() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return time.Duration(ts.Nano())
}

// childNumbered is the child of PID 1 that has this number on its machine, by its
// number on the machine that tests (proc(5), NSpid).
func childNumbered(m *machine.Machine, pid int) int {
	m.T.Helper()
	for _, child := range children(m.PID()) {
		status, _ := os.ReadFile("/proc/" + child + "/status")
		_, rest, _ := strings.Cut(string(status), "NSpid:")
		line, _, _ := strings.Cut(rest, "\n")
		if f := strings.Fields(line); len(f) > 0 && f[len(f)-1] == strconv.Itoa(pid) {
			n, _ := strconv.Atoi(child)
			return n
		}
	}
	m.T.Fatalf("no child %d of PID 1\n%s", pid, m.Tail())
	return 0
}

// children gives the children of a process, whichever of its threads started them
// (proc(5), /proc/PID/task/TID/children).
func children(pid int) (list []string) {
	names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, name := range names {
		text, _ := os.ReadFile(name)
		list = append(list, strings.Fields(string(text))...)
	}
	return list
}
