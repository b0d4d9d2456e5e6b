package evidence_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/node"
	"golang.org/x/sys/unix"
)

// A release that ends tells why: in the health record, on the console, and on the disk.
func TestEvidence(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, expr string
		kill       unix.Signal // where it does not end by itself
		why        string
		dump       bool
	}{
		{"a slogan", `io:format("the last words~n"), timer:sleep(500), erlang:halt("the disk is gone").`, 0, "exit status 1: the disk is gone", true},
		{"a status", `io:format("the last words~n"), halt(3).`, 0, "exit status 3", false},
		{"an application that fails", `io:format("the last words~n"), exit(whereis(application_controller), kill).`, 0,
			"exit status 1: Kernel pid terminated (application_controller) (killed)", true},
		{"SIGUSR1", `io:format("the last words~n").`, unix.SIGUSR1, "exit status 1: Received SIGUSR1", true},
		{"SIGKILL", `io:format("the last words~n").`, unix.SIGKILL, "killed by signal 9 (SIGKILL)", false},
		{"SIGABRT", `io:format("the last words~n").`, unix.SIGABRT, "killed by signal 6 (SIGABRT)", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := machine.Start(t, machine.WithDisk(t, "", tt.expr))
			if tt.kill != 0 {
				m.State(health.Up, 0)
				m.Line("release: the last words")
				unix.Kill(m.VM(), tt.kill)
			}
			down, _ := m.State(health.Down, 0)
			if down.Why != tt.why {
				t.Errorf("why=%q, want %q", down.Why, tt.why)
			}
			m.Line("the release ended: " + tt.why + " (pid ")
			m.Line("the release was started again at once (restart 1, pid ")
			m.Line("last output /data/beaminit/dumps/last-output-" + fmt.Sprintf("%08x", down.Boot) + "-1.log")
			if got := m.Left(machine.Kept + "last-output-*-1.log"); len(got) != 1 || !strings.Contains(got[0], "the last words\n") {
				t.Errorf("last output: %q", got)
			}
			dumps := m.Left(machine.Kept + "erl_crash-*-1.dump")
			if tt.dump != (len(dumps) == 1) {
				t.Errorf("%d dumps", len(dumps))
			}
			if tt.dump {
				m.Line("kept: crash dump /data/beaminit/dumps/erl_crash-")
			}
			t.Log(m.Tail())
		})
	}
}

// A crash loop leaves no more than it may, on the disk and in memory.
func TestCrashLoopIsBounded(t *testing.T) {
	t.Parallel()
	loop := "beaminit.supervise.attempts=6 beaminit.supervise.give_up=rescue beaminit.supervise.backoff=1ms,1ms "
	tests := []struct {
		name, cmdline, dir, user string
		keep                     int
		most                     int64
	}{
		{"on disk", "beaminit.dump.keep=2 beaminit.dump.bytes=100K", machine.Kept, "", 2, 100 << 10},
		{"as another user", "beaminit.dump.keep=2 beaminit.release.user=1234", machine.Kept, "", 2, 16 << 20},
		{"elsewhere", "beaminit.dump.directory=/data/here/there", "store/here/there/", "", 5, 16 << 20},
		{"nothing", "beaminit.dump.keep=0", machine.Kept, "", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := machine.Start(t, machine.WithDisk(t, loop+tt.cmdline, `io:format("words~n"), erlang:halt("loop").`))
			r, _ := m.State(health.Rescue, 0)
			if r.Why != "gave up after 7 ends within 1m0s: exit status 1: loop" && tt.keep > 0 || r.Restarts != 6 {
				t.Errorf("rescue: %+v", r)
			}
			m.Eventually("keep as many as it should", func() bool {
				return len(m.Left(tt.dir+"*.log")) == tt.keep && len(m.Left(tt.dir+"*.dump")) == tt.keep
			})
			if names, _ := filepath.Glob(filepath.Join(m.Root, tt.dir+"*-7.dump")); tt.keep > 0 && len(names) != 1 {
				t.Errorf("the last dump is not among those kept: %v", names)
			}
			for _, d := range m.Left(tt.dir + "*.dump") {
				if int64(len(d)) > tt.most+1024 || len(d) < 1000 { // the VM closes it with a few words more
					t.Errorf("a dump has %d bytes, want at most %d", len(d), tt.most)
				}
			}
		})
	}
}

// Where no disk can be written to, what is left of the last end is in memory, for the
// user of the release too.
func TestEvidenceInMemory(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"root", "1234"} {
		t.Run(user, func(t *testing.T) {
			m := machine.Start(t, machine.WithERTS(t, "hostname=node1 beaminit.release.user="+user, "[release]\nargs = [\"-eval\", \"io:format(\\\"words~n\\\"), erlang:halt(\\\"over\\\").\"]\n"))
			_, next := m.State(health.Down, 0)
			down, _ := m.State(health.Down, next)
			if down.Why != "exit status 1: over" {
				t.Errorf("why=%q", down.Why)
			}
			m.Line("kept: crash dump /run/beaminit/dumps/erl_crash-")
			dir := fmt.Sprintf("/proc/%d/root%s/", m.PID(), node.MemoryDumps)
			m.Eventually("keep one dump of two", func() bool {
				dumps, _ := filepath.Glob(dir + "*.dump")
				outputs, _ := filepath.Glob(dir + "*.log")
				return len(dumps) == node.MemoryDumpKeep && len(outputs) == node.MemoryDumpKeep && strings.HasSuffix(dumps[0], "-2.dump")
			})
		})
	}
}

// A place for dumps that cannot be written to is said once, and costs the dump only.
func TestNoPlaceForEvidence(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, toml, line string
		files            map[string]string
	}{
		{"read-only", "[dump]\ndirectory = \"/srv/dumps\"\n", "directory for crash dumps /srv/dumps: ", nil},
		{"a file", "[dump]\ndirectory = \"/data/dumps\"\n", "directory for crash dumps /data/dumps: it is a regular file; want a directory", map[string]string{"data/dumps": ""}},
		{"a full disk", "[dump]\ndirectory = \"/data/full/dumps\"\n[[mount]]\nsource = \"full\"\ntarget = \"/data/full\"\ntype = \"tmpfs\"\noptions = [\"nr_inodes=1\"]\n",
			"directory for crash dumps /data/full/dumps: no space left on device", map[string]string{"data/full/x": ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := machine.WithERTS(t, "hostname=node1 beaminit.supervise.attempts=2 beaminit.supervise.give_up=rescue beaminit.supervise.backoff=1ms,1ms",
				"[release]\nargs = [\"-eval\", \"io:format(\\\"words~n\\\"), erlang:halt(\\\"over\\\").\"]\n"+tt.toml)
			for name, text := range tt.files {
				s.Files[name] = text
			}
			m := machine.Start(t, s)
			r, next := m.State(health.Rescue, 0)
			if r.Why != "gave up after 3 ends within 1m0s: exit status 1" || r.Restarts != 2 {
				t.Errorf("rescue: %+v", r)
			}
			m.Line(tt.line)
			m.State(health.Rescue, next)
			if n := m.Count("directory for crash dumps"); n != 1 {
				t.Errorf("said %d times:\n%s", n, m.Tail())
			}
		})
	}
}

// A disk that fills up in the middle of a dump: what is there is told, and no more.
func TestFullDiskWithEvidence(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1 beaminit.supervise.attempts=2 beaminit.supervise.give_up=rescue beaminit.supervise.backoff=1ms,1ms",
		"[release]\nargs = [\"-eval\", \"[io:format(\\\"~100..xs~n\\\", [\\\"\\\"]) || _ <- lists:seq(1, 1000)], erlang:halt(\\\"over\\\").\"]\n"+
			"[dump]\ndirectory = \"/data/small/dumps\"\n[[mount]]\nsource = \"small\"\ntarget = \"/data/small\"\ntype = \"tmpfs\"\noptions = [\"size=64k\"]\n")
	s.Files["data/small/x"] = ""
	m := machine.Start(t, s)
	r, _ := m.State(health.Rescue, 0)
	if !strings.HasPrefix(r.Why, "gave up after 3 ends within 1m0s: exit status 1") || r.Restarts != 2 {
		t.Errorf("rescue: %+v", r)
	}
	m.Line("keep the last output: write /data/small/dumps/last-output-")
	m.Line("no space left on device")
	t.Log(m.Tail())
}
