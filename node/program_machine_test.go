package node_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/supervise/launch"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/node"
	"golang.org/x/sys/unix"
)

// TestMain: a program that is run as PID 1 does it is started by this binary, under another name.
func TestMain(m *testing.M) {
	if os.Args[0] == launch.HelperName {
		os.Exit(launch.Main(os.Args))
	}
	os.Exit(m.Run())
}

// PID 1 waits for a program of the image, but never longer than it said.
func TestAskProgram(t *testing.T) {
	t.Parallel()
	const limit = 2 * time.Second // of what hangs: a shell on a busy machine says its word before
	tests := []struct {
		name, script string
		want, err    string
	}{
		{"answers", "echo 12345678; echo no >&2", "12345678\n", ""},
		{"says too much", "printf %0100d 1; echo", strings.Repeat("0", 64), ""},
		{"fails", "echo x; exit 3", "x\n", "/bin/sh: exit status 3"},
		{"is killed", "kill -9 $$", "", "/bin/sh: killed by signal 9 (SIGKILL)"},
		{"hangs", "echo x; sleep 1000", "x\n", "/bin/sh: not done within 2s, killed"},
		{"hangs in a child", "trap '' TERM; sleep 1000 & wait", "", "/bin/sh: not done within 2s, killed"},
		{"writes for ever", "yes", strings.Repeat("y\n", 32), "/bin/sh: not done within 2s, killed"},
		{"closes its output and hangs", "exec >&-; sleep 1000", "", "/bin/sh: not done within 2s, killed"},
		{"leaves a daemon", "echo x; sleep 1 &", "x\n", ""},
		{"leaves a daemon that writes", "echo x; timeout 2 yes '' & exit 0", "x\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit := limit
			if !strings.Contains(tt.err, "not done within") {
				limit = nstest.Patience
			}
			out, err := node.RunProgram([]string{"/bin/sh", "-c", tt.script}, limit, node.IDSize, false)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(string(out), tt.want) || got != tt.err || len(out) > node.IDSize {
				t.Errorf("got %q, %q, want %q, %q", out, got, tt.want, tt.err)
			}
		})
	}
	if _, err := node.RunProgram([]string{"/no/such"}, limit, node.IDSize, false); err == nil || err.Error() != "exec /no/such: no such file or directory" {
		t.Errorf("no program: %v", err)
	}
	if out, err := node.RunProgram([]string{"/bin/sh", "-c", "echo a; echo b >&2"}, nstest.Patience, node.IDSize, true); err != nil || string(out) != "a\nb\n" {
		t.Errorf("with its standard error: %q, %v", out, err)
	}
}

// A board as erlinit had it, with a real release: in front of the VM, before it, and
// after its end.
func TestErlinitBoard(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "[release]\nenv = { FROM = \"toml\" }\n")
	s.Bind["usr/bin"] = "/usr/bin"
	s.Files["etc/erlinit.config"] = `# of a board
-e FROM=erlinit.config
--pre-run-exec "/usr/bin/env SAID=before"
--pre-run-exec "/usr/bin/env SAID=then"
--run-on-exit "/usr/bin/env SAID=after"
--alternate-exec "/usr/bin/env IN_FRONT=1"
--limits nofile:512:1024
`
	s.Args = []string{"-v", "--working-directory", "/tmp"}
	m := machine.Start(t, s)
	up, next := m.State(health.Up, 0)
	m.Line("run_once: SAID=before")
	m.Line("run_once 2: SAID=then")
	if env := m.Proc(m.VM(), "environ"); !strings.Contains(env, "\x00FROM=toml\x00") { // beaminit.toml counts more
		t.Errorf("the environment of the VM: %q", env)
	}
	m.Line("without effect: --verbose")
	if n := m.Count("SAID=after"); n != 0 {
		t.Errorf("release.run_on_exit was run %d times before an end", n)
	}
	pid := m.VM()
	unix.Kill(pid, unix.SIGKILL)
	m.Line("run_on_exit: SAID=after")
	again, next := m.Restarted(1, next)
	if again.PID == up.PID {
		t.Errorf("again: %+v", again)
	}
	if out, status := m.Ask("restart"); status != 0 { // that is no end that nobody asked for
		t.Errorf("restart: %d %s", status, out)
	}
	m.Record("up anew", next, func(r health.Record) bool { return r.State == health.Up && r.PID != again.PID })
	if before, then := m.Count("run_once: SAID=before"), m.Count("run_once 2: SAID=then"); before != 1 || then != 1 {
		t.Errorf("the programs before the first start were run %d and %d times, want once a boot", before, then)
	}
	m.Signal(unix.SIGTERM)
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v", got)
	}
	if n := m.Count("SAID=after"); n != 1 {
		t.Errorf("release.run_on_exit was run %d times, want once: nobody asked for the first end only", n)
	}
}

// The node goes down while a program before the release still runs.
func TestStopDuringPreRun(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "[release]\npre_run = [\"/usr/bin/sleep\", \"1000\"]\nrun_on_exit = [\"/usr/bin/env\", \"SAID=after\"]\n")
	s.Bind["usr/bin"] = "/usr/bin"
	m := machine.Start(t, s)
	m.Eventually("run pre_run", func() bool { return m.Has("sleep") != 0 })
	m.Signal(unix.SIGTERM)
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v", got)
	}
	if n := m.Count("SAID=after"); n != 0 {
		t.Errorf("release.run_on_exit was run after an end that was asked for\n%s", m.Tail())
	}
}

// The attack of a release that was subverted: its directory is its user's, who puts programs
// there with the names of others, where the release's own PATH finds them first. What the
// configuration has root run around the release is the image's all the same.
func TestProgramsAreTheImages(t *testing.T) {
	t.Parallel()
	dir, mine := machine.Release(t, "systools"), t.TempDir()
	if out, err := exec.Command("cp", "-a", dir+"/.", mine).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	erts, _ := filepath.Glob(filepath.Join(mine, "erts-*"))
	for _, bin := range append(erts, mine) {
		for _, name := range []string{"helper", "sh"} {
			for _, p := range []string{filepath.Join(bin, "bin", name), filepath.Join(bin, name)} {
				os.MkdirAll(filepath.Dir(p), 0o755)
				machine.WriteFile(t, p, "#!/usr/bin/sh\necho \"owned by the release, as $(id -u)\"\n")
				os.Chmod(p, 0o755)
			}
		}
	}
	if out, err := exec.Command("chown", "-R", "65534:65534", mine).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	s := machine.WithERTS(t, "hostname=node1", `[release]
user = "65534"
pre_run = ["/usr/bin/env", "WHEN=before", "helper"]
run_once = [["/usr/bin/env", "WHEN=once", "helper"], ["/usr/bin/ls", "/proc/self/fd"]]
run_on_exit = ["/usr/bin/env", "WHEN=after", "helper"]
`)
	s.Bind["srv/erlang"], s.Bind["usr/bin"] = mine, "/usr/bin"
	s.Files["usr/local/bin/helper"] = "#!/usr/bin/sh\necho \"the image's, $WHEN: as $(id -u), in $(pwd), HOME=$HOME PATH=$PATH${LD_LIBRARY_PATH+ and a library path}\"\n"
	m := machine.Start(t, s)
	m.Must(os.Chmod(filepath.Join(m.Root, "usr/local/bin/helper"), 0o755))
	_, next := m.State(health.Up, 0)
	const rest = ": as 0, in /, HOME=/ PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	m.Line("run_once: the image's, once" + rest)
	m.Line("run_once 2: 3") // the directory that is listed
	if m.Count("run_once 2: 4") > 0 {
		t.Errorf("a descriptor that is not its own\n%s", m.Tail())
	}
	m.Line("pre_run: the image's, before" + rest)
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Line("run_on_exit: the image's, after" + rest)
	m.State(health.Up, next)
	for _, bad := range []string{"owned by the release", "and a library path"} {
		if m.Count(bad) > 0 {
			t.Errorf("%q\n%s", bad, m.Tail())
		}
	}
}

// A program around the release that fails, hangs or is not there has its line, and the
// release is started all the same.
func TestProgramFails(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", `[release]
run_once = [["/usr/bin/sh", "-c", "echo no; exit 3"], ["/no/such"]]
pre_run = ["/usr/bin/sh", "-c", "kill -9 $$"]
`)
	s.Bind["usr/bin"] = "/usr/bin"
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	for _, want := range []string{
		"run_once: no", "release.run_once: /usr/bin/sh: exit status 3; going on",
		"exec /no/such: no such file or directory", "release.run_once: /no/such: exit status 127; going on",
		"release.pre_run: /usr/bin/sh: killed by signal 9 (SIGKILL); going on",
	} {
		m.Line(want)
	}
}
