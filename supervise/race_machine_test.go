package supervise_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// The whole PID 1 under the race detector, through what it does besides waiting: a boot with
// programs and services, ends of the release and starts, jobs on disks, questions, an
// exec of itself, and the way down.
func TestRace(t *testing.T) {
	t.Parallel()
	racy := filepath.Join(t.TempDir(), "init")
	build := exec.Command("go", "build", "-race", "-ldflags", "-linkmode external -extldflags -static -X main.version=dev", "-o", racy, "../cmd/init")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("no static program with the race detector can be built here: %v\n%s", err, out)
	}
	s := withServices(t, serviceOf("with", "exec sleep 1000", "stop_timeout = \"1s\"")+`
[release]
pre_run = ["/usr/bin/env", "SAID=before"]
run_on_exit = ["/usr/bin/env", "SAID=after"]
[[mount]]
source = "keep"
target = "/keep"
type = "tmpfs"
`)
	s.Dirs, s.Program = append(s.Dirs, "keep"), racy
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	s.Stderr = said
	m := machine.Start(t, s)
	up, next := m.State(health.Up, 0)
	m.Reachable()
	pidOf(m, "with")
	unix.Kill(m.VM(), unix.SIGABRT)
	m.Line("run_on_exit: SAID=after")
	_, next = m.Record("up again", next, func(r health.Record) bool { return r.State == health.Up && r.PID != up.PID })
	m.Want(0, "restarted", "restart")
	m.Want(0, "", "reexec", "/sbin/init")
	m.Line("the release goes on (pid ")
	for range 20 {
		direct(m, "status", "")
	}
	r, next := m.Record("up after the exec", next, func(r health.Record) bool { return r.State == health.Up })
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Record("up once more", next, func(now health.Record) bool { return now.State == health.Up && now.PID != r.PID })
	m.Want(0, "", "service", "with", "restart")
	m.Signal(unix.SIGTERM)
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
	if text, err := os.ReadFile(said.Name()); err != nil || strings.Contains(string(text), "DATA RACE") {
		t.Errorf("%v\n%s", err, text)
	}
}
