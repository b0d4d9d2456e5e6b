package node_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/nstest"
)

// saysStarted is evaluated by a VM after its boot script, by whichever way it is started
// (ERL_ZFLAGS, erl(1)): startedLine, without a character that one of them would take for
// its own.
const (
	saysStarted = "-eval io:put_chars(<<98,101,110,99,104,32,115,116,97,114,116,101,100,10>>)."
	startedLine = "bench started"
)

// BenchmarkStarted measures from the exec of what starts a release to the end of its boot
// script: of erlexec, by beaminit, and of the start script that the release came with. The
// two take turns on the same files. A script does more on the way: it is a shell that runs
// other programs, and the VM that it starts starts epmd and waits for it.
//
//	go test -run '^$' -bench Started -benchtime 11x ./node
func BenchmarkStarted(b *testing.B) {
	for _, k := range []struct {
		family, release string
		script          func(b *testing.B, dir string) []string
	}{
		{"systools", "systools", erlOf},
		{"relx", "relx/own", func(_ *testing.B, dir string) []string { return []string{dir + "/bin/own", "foreground"} }},
		{"mix", "mix/plain", func(_ *testing.B, dir string) []string { return []string{dir + "/bin/plain", "start"} }},
	} {
		b.Run(k.family, func(b *testing.B) {
			dir := machine.Release(b, k.release)
			words := k.script(b, dir)
			var ours, theirs []time.Duration
			for i := -1; i < b.N; i++ { // the first fills the page cache
				o, s := startedByInit(b, dir), startedByScript(b, words)
				if i >= 0 {
					ours, theirs = append(ours, o), append(theirs, s)
				}
			}
			slices.Sort(ours)
			slices.Sort(theirs)
			o, s := ours[len(ours)/2], theirs[len(theirs)/2]
			b.ReportMetric(float64(o)/1e6, "ms/beaminit")
			b.ReportMetric(float64(s)/1e6, "ms/script")
			b.ReportMetric(0, "ns/op")
			if b.N == 1 {
				return // Go's own first try
			}
			fmt.Printf("started: %s: beaminit %v, %s %v: 1 : %.2f\n", k.family, o.Round(time.Millisecond),
				filepath.Base(words[0]), s.Round(time.Millisecond), float64(s)/float64(o))
			own := k.family != "systools"                 // that has no script of its own: the yardstick is erl with the least to do
			if own && o > s+s/20 && ours[0] > theirs[0] { // two runs are hardly ever alike to a few per cent
				b.Errorf("%s: slower than its own script: %v, and %v", k.family, ours, theirs)
			}
		})
	}
}

// startedByInit is the time from the exec of erlexec until the VM says that it is started,
// which PID 1 takes down as phases of the boot.
func startedByInit(b *testing.B, dir string) time.Duration {
	s := machine.WithRelease(b, dir, "hostname=node1", "[release]\nenv = { ERL_ZFLAGS = '"+saysStarted+"' }\n")
	m := machine.Start(b, s)
	defer m.PowerOff()
	m.Line("release: " + startedLine)
	at := clock.Boottime() // the clock that the records have too
	return at - phaseOf(m, "exec")
}

// phaseOf waits for a record that has this phase.
func phaseOf(m *machine.Machine, name string) (at time.Duration) {
	m.T.Helper()
	m.Await("record with phase "+name, nstest.Patience, func() bool {
		if len(m.Records()) > 0 {
			at = machine.Phase(m.LastRecord(), name)
		}
		return at != 0
	})
	return at
}

// startedByScript is the time from the exec of a release's script, in namespaces of its
// own, so that the epmd that it starts ends with it.
func startedByScript(b *testing.B, words []string) time.Duration {
	home := b.TempDir()
	cmd := exec.Command("sh", append([]string{"-c", `mount -t proc proc /proc && ip link set lo up && echo bench begins && exec "$@"`, "sh"}, words...)...)
	cmd.Env = []string{"HOME=" + home, "RELEASE_TMP=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "ERL_ZFLAGS=" + saysStarted, "TERM=dumb"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	late := time.AfterFunc(nstest.Patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	var said []string
	var begun time.Time
	for in := bufio.NewScanner(out); in.Scan(); {
		said = append(said, in.Text())
		switch in.Text() {
		case "bench begins":
			begun = time.Now()
		case startedLine:
			took := time.Since(begun)
			cmd.Process.Kill()
			cmd.Wait()
			return took
		}
	}
	cmd.Process.Kill()
	b.Fatalf("%v did not start: %v; it said:\n%s", words, cmd.Wait(), strings.Join(said, "\n"))
	return 0
}

// erlOf is the start of a release of systools: its erl, with the release as its root, as
// OTP's "Creating a First Target System" has it.
func erlOf(b *testing.B, dir string) []string {
	erts, err := filepath.Glob(dir + "/erts-*/bin/erl")
	if err != nil || len(erts) != 1 {
		b.Fatalf("%v %v", erts, err)
	}
	text, err := os.ReadFile(erts[0])
	if err != nil {
		b.Fatal(err)
	}
	erl := filepath.Join(b.TempDir(), "erl")
	if err := nstest.WriteFile(erl, []byte(strings.ReplaceAll(string(text), "ROOTDIR=/usr/lib/erlang", "ROOTDIR="+dir)), 0o755); err != nil {
		b.Fatal(err)
	}
	v := dir + "/releases/1.0.0/"
	return []string{erl, "-noinput", "-mode", "embedded", "-boot", v + "start", "-config", v + "sys", "-sname", "bird", "-setcookie", "bird"}
}
