package main

import (
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/node"
	"golang.org/x/sys/unix"
)

// PID 1 waits for a program of the image, but never longer than it said.
func TestAskProgram(t *testing.T) {
	t.Parallel()
	const limit = 300 * time.Millisecond
	tests := []struct {
		name, script string
		want, err    string
	}{
		{"answers", "echo 12345678; echo no >&2", "12345678\n", ""},
		{"says too much", "printf %0100d 1; echo", strings.Repeat("0", 64), ""},
		{"fails", "echo x; exit 3", "x\n", "/bin/sh: exit status 3"},
		{"is killed", "kill -9 $$", "", "/bin/sh: killed by signal 9 (SIGKILL)"},
		{"hangs", "echo x; sleep 1000", "x\n", "/bin/sh: not done within 300ms, killed"},
		{"hangs in a child", "trap '' TERM; sleep 1000 & wait", "", "/bin/sh: not done within 300ms, killed"},
		{"writes for ever", "yes", strings.Repeat("y\n", 32), "/bin/sh: not done within 300ms, killed"},
		{"closes its output and hangs", "exec >&-; sleep 1000", "", "/bin/sh: not done within 300ms, killed"},
		{"leaves a daemon", "echo x; sleep 1 &", "x\n", ""},
		{"leaves a daemon that writes", "echo x; timeout 2 yes '' & exit 0", "x\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			begun := time.Now()
			out, err := node.RunProgram([]string{"/bin/sh", "-c", tt.script}, limit, node.IDSize, false)
			if took := time.Since(begun); took > limitOfTest {
				t.Errorf("took %v", took)
			}
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
	if out, err := node.RunProgram([]string{"/bin/sh", "-c", "echo a; echo b >&2"}, limit, node.IDSize, true); err != nil || string(out) != "a\nb\n" {
		t.Errorf("with its standard error: %q, %v", out, err)
	}
}

// A board as erlinit had it, with a real release: in front of the VM, before it, and
// after its end.
func TestErlinitBoard(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1", "[release]\nenv = { FROM = \"toml\" }\n")
	s.bind["usr/bin"] = "/usr/bin"
	s.files["etc/erlinit.config"] = `# of a board
-e FROM=erlinit.config
--pre-run-exec "/usr/bin/env SAID=before"
--pre-run-exec "/usr/bin/env SAID=then"
--run-on-exit "/usr/bin/env SAID=after"
--alternate-exec "/usr/bin/env IN_FRONT=1"
--limits nofile:512:1024
`
	s.args = []string{"-v", "--working-directory", "/tmp"}
	m := power(t, s)
	up, next := m.state(health.Up, 0)
	m.line("release: SAID=before")
	m.line("release: SAID=then")
	m.line("release: FROM=toml") // beaminit.toml counts more
	m.line("without effect: --verbose")
	if n := m.count("SAID=after"); n != 0 {
		t.Errorf("release.run_on_exit was run %d times before an end", n)
	}
	pid := m.vm()
	unix.Kill(pid, unix.SIGKILL)
	m.line("release: SAID=after")
	again, next := m.restarted(1, next)
	if again.PID == up.PID {
		t.Errorf("again: %+v", again)
	}
	if out, status := m.ask("restart"); status != 0 { // that is no end that nobody asked for
		t.Errorf("restart: %d %s", status, out)
	}
	m.record("up anew", next, func(r health.Record) bool { return r.State == health.Up && r.PID != again.PID })
	if before, then := m.count("release: SAID=before"), m.count("release: SAID=then"); before != 1 || then != 1 {
		t.Errorf("the programs before the first start were run %d and %d times, want once a boot", before, then)
	}
	m.signal(unix.SIGTERM)
	if got := m.ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v", got)
	}
	if n := m.count("SAID=after"); n != 1 {
		t.Errorf("release.run_on_exit was run %d times, want once: nobody asked for the first end only", n)
	}
}

// The node goes down while a program before the release still runs.
func TestStopDuringPreRun(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1", "[release]\npre_run = [\"/usr/bin/sleep\", \"1000\"]\nrun_on_exit = [\"/usr/bin/env\", \"SAID=after\"]\n")
	s.bind["usr/bin"] = "/usr/bin"
	m := power(t, s)
	m.state(health.Starting, 0)
	m.signal(unix.SIGTERM)
	if got := m.ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v", got)
	}
	if n := m.count("SAID=after"); n != 0 {
		t.Errorf("release.run_on_exit was run after an end that was asked for\n%s", m.tail())
	}
}
