package supervise_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// What stands in the place of a file that PID 1 has to do with, and makes who opens it wait
// for ever: the loop answers at once, and the node goes down in order.
func TestWaitsForNoFile(t *testing.T) {
	t.Parallel()
	const (
		tls  = "beaminit.distribution.tls.cert=/data/tls.pem beaminit.distribution.tls.key=/data/tls.pem beaminit.distribution.tls.ca=/data/tls.pem"
		data = "\n[[mount]]\nsource = \"none\"\ntarget = \"/data\"\ntype = \"fuse\"\n"
	)
	tests := []struct {
		path, cmdline, toml string
		dir                 bool
		says                string // when it never answers; a FIFO is refused in other words
	}{
		{"data/cookie", "", "", false, "release: not done within"},
		{"etc/passwd", "beaminit.release.user=app", "", false, "release: not done within"},
		{"data/tls.pem", tls, "", false, "release: not done within"},
		{"data/health.key", "beaminit.health.key_file=/data/health.key", "", false, "health.key_file: key: not done within"},
		{"srv/id", "beaminit.node.id=/srv/id beaminit.node.hostname=n-%s", "", false, "srv/id: not done within"},
		{"srv/prepare", "", "[release]\npre_run = [\"/srv/prepare\"]\n", false, ""},
		{"data", "", data, true, "look at /data"},
		{"data/beaminit", "", "", true, ""},
		{"srv/erlang", "", "", true, "release: not done within"},
		{"data/crash", "beaminit.dump.directory=/data/crash", "", true, ""},
		{"data/dump", "", "[release]\nenv = { ERL_CRASH_DUMP = \"/data/dump/erl_crash.dump\" }\n", true, ""},
		{"etc/hosts", "", "", false, "etc/hosts: names: not done within"},
		{"etc/machine-id", "", "", false, "etc/machine-id: names: not done within"},
		{"etc/resolv.conf", "", "", false, "etc/resolv.conf: names: not done within"},
		{"data/work", "beaminit.release.working_directory=/data/work", "", true, "release: not done within"},
	}
	for _, tt := range tests {
		for _, kind := range []string{"dead", "FIFO"} {
			if kind == "FIFO" && (tt.dir || tt.path == "etc/hosts") { // that the machine has
				continue
			}
			t.Run(kind+" "+tt.path, func(t *testing.T) {
				t.Parallel()
				s := machine.WithERTS(t, "hostname=node1 "+tt.cmdline, tt.toml)
				s.Dirs = append(s.Dirs, "data/beaminit")
				if kind == "dead" {
					s.Dead, s.Asleep = []string{tt.path}, tt.path == "data/cookie" || tt.path == "data"
				} else {
					s.FIFOs = []string{tt.path}
				}
				if tt.dir {
					s.Dirs = append(s.Dirs, tt.path)
					if tt.path == "srv/erlang" {
						delete(s.Bind, tt.path)
					}
				} else if kind == "dead" {
					s.Files[tt.path] = "x"
				} else {
					delete(s.Files, tt.path)
				}
				m := machine.Start(t, s)
				if kind == "dead" {
					m.Line(tt.says)
				}
				m.Reachable()
				answersAtOnce(m)
				if vm := m.Has("beam.smp"); vm != 0 { // and what it leaves is looked at
					unix.Kill(vm, unix.SIGKILL)
					m.Record("again", 0, func(r health.Record) bool { return r.Restarts == 1 && r.PID != 0 })
					answersAtOnce(m)
				}
				m.Signal(unix.SIGTERM)
				m.Eventually("call reboot(2)", func() bool { return isExiting(m) })
				m.Revive()
				if got := m.Ended(); got != unix.SIGHUP {
					t.Errorf("the kernel ended it with %v, want a reboot", got)
				}
			})
		}
	}
}

// A PID 1 that is executed again while the release's disk hangs does not wait for that: the
// release runs, and what is known of it is handed over.
func TestReexecWithDeadDisk(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1 beaminit.health.key_file=/srv/key/health", "[[mount]]\nsource = \"none\"\ntarget = \"/mnt\"\ntype = \"tmpfs\"\n")
	s.Dirs = append(s.Dirs, "mnt")
	s.Bind["srv/key"] = t.TempDir()
	if err := os.WriteFile(s.Bind["srv/key"]+"/health", []byte(strings.Repeat("k", 32)), 0o400); err != nil {
		t.Fatal(err)
	}
	m := machine.Start(t, s)
	up, _ := m.State(health.Up, 0)
	vm := m.VM()
	m.Dies("/srv")
	if out, status := m.Ask("reexec"); status != 0 {
		t.Fatalf("reexec: %d %s", status, out)
	}
	begun := time.Now()
	answersAtOnce(m)
	if took := time.Since(begun); took > 5*time.Second { // looking for the release takes 10 s, and for the key 5
		t.Errorf("PID 1 answers %v after it was executed again\n%s", took, m.Tail())
	}
	m.Line("release: not done within")
	if all := strings.Join(m.Lines(), "\n"); strings.Contains(all, "health.key_file") || !strings.Contains(all[strings.LastIndex(all, "health v=1"):], " mac=") {
		t.Errorf("the records are not signed any more\n%s", m.Tail())
	}
	if r := m.LastRecord(); r.PID != up.PID || m.VM() != vm {
		t.Errorf("pid %d, VM %d, want %d, %d still", r.PID, m.VM(), up.PID, vm)
	}
	m.Signal(unix.SIGTERM)
	m.Eventually("call reboot(2)", func() bool { return isExiting(m) })
	m.Revive()
	m.Ended()
}

// A program on a disk that hangs is not executed in PID 1's place, and who asks for it by other
// means than the tool, which looks at it first, does not make PID 1 deaf.
func TestReexecOfDeadProgram(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "")
	s.Dead, s.Files["data/program"] = []string{"data/program"}, "x"
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	answer := make(chan string)
	go func() { answer <- direct(m, "reexec", "/data/program") }()
	m.Eventually("look at the program", func() bool { return m.Has("beaminit-job") != 0 })
	answersAtOnce(m)
	if got := <-answer; !strings.Contains(got, "program: not done within") {
		t.Errorf("reexec: %q", got)
	}
	answersAtOnce(m)
	m.Signal(unix.SIGTERM)
	m.Eventually("call reboot(2)", func() bool { return isExiting(m) })
	m.Revive()
	m.Ended()
}

// answersAtOnce asks for the state, five times: on a machine that has much else to do one
// answer may be late for that.
func answersAtOnce(m *machine.Machine) {
	m.T.Helper()
	const limit = 100 * time.Millisecond
	best := time.Hour
	for range 5 {
		begun := time.Now()
		if answer := direct(m, "status", ""); !strings.HasPrefix(answer, "ok") {
			m.T.Fatalf("status: %s\n%s", answer, m.Tail())
		}
		best = min(best, time.Since(begun))
	}
	if best > limit {
		m.T.Errorf("the loop takes %v to answer, want at most %v\n%s", best, limit, m.Tail())
	}
}

// isExiting says that PID 1 has done the last thing that it does, though the kernel may wait
// for what hangs below it (proc(5), stat: flags, PF_EXITING).
func isExiting(m *machine.Machine) bool {
	if m.Gone(0) {
		return true
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.PID()))
	if err != nil {
		return true
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	return flags&0x4 != 0
}
