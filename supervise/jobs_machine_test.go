package supervise_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// stopJob has the next child that does a job of that name stop, when it has read its order.
func stopJob(m *machine.Machine, name string) {
	m.T.Helper()
	for _, dir := range []string{"data", "store"} { // before /data is mounted, and after
		m.Must(os.WriteFile(filepath.Join(m.Root, dir, "stop-job-"+name), nil, 0o644))
	}
}

// stoppedJob awaits it.
func stoppedJob(m *machine.Machine, name string) (pid int) {
	m.T.Helper()
	m.Eventually("stop the job "+name, func() bool {
		stats, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, file := range stats {
			text, _ := os.ReadFile(file)
			line, _ := os.ReadFile(filepath.Dir(file) + "/cmdline")
			if !strings.Contains(string(text), fmt.Sprintf("(beaminit-job) T %d ", m.PID())) || string(line) != "beaminit-job\x00"+name+"\x00" {
				continue
			}
			fmt.Sscan(string(text), &pid)
			return true
		}
		return false
	})
	return pid
}

func goOn(m *machine.Machine, pid int, name string) {
	m.T.Helper()
	for _, dir := range []string{"data", "store"} {
		os.Remove(filepath.Join(m.Root, dir, "stop-job-"+name))
	}
	m.Must(unix.Kill(pid, unix.SIGCONT))
}

// Each child that does a job of PID 1 has what the work needs and no more, as the kernel tells
// it, in a boot and in a PID 1 that has come by reexec.
func TestJobs(t *testing.T) {
	t.Parallel()
	s := machine.WithDisk(t, "beaminit.health.key_file=/data/health.key", "ok.")
	s.Program = machine.Faulty(t)
	s.Files["store/health.key"] = strings.Repeat("k", 32)
	s.Files["etc/tmpfiles.d/own.conf"] = "d /run/own 0755 root root\n"
	writes := []string{"chown", "dac_override", "fowner"}
	const again = "again" // a new PID 1 from here on
	jobs := []struct {
		name, size string // the most bytes of a file that it can write
		caps       []string
	}{
		{"disks", "0", append([]string{"sys_admin", "dac_read_search", "fsetid", "linux_immutable", "mknod", "setfcap", "sys_resource"}, writes...)},
		{"tmpfiles", "1048576", append([]string{"fsetid"}, writes...)},
		{"key", "0", []string{"dac_read_search"}},
		{"release", "1048576", writes},
		{"history", "1048576", []string{"dac_read_search"}},
		{"seed", "1048576", []string{"dac_read_search", "sys_admin"}},
		{again, "", nil},
		{"last words", "0", []string{"dac_read_search"}},
		{"evidence", "1048576", writes},
		{"save", "1048576", []string{"dac_read_search"}},
	}
	for _, job := range jobs {
		s.Files["data/stop-job-"+job.name], s.Files["store/stop-job-"+job.name] = "", ""
	}
	for _, name := range []string{"last words", "evidence", "save"} { // there are some of them before
		delete(s.Files, "data/stop-job-"+name)
		delete(s.Files, "store/stop-job-"+name)
	}
	m := machine.Start(t, s)
	for _, job := range jobs {
		switch job.name {
		case again:
			_, next := m.State(health.Up, 0)
			if out, status := m.Ask("reexec"); status != 0 {
				t.Fatalf("reexec: %d %s", status, out)
			}
			m.Record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up })
			continue
		case "last words":
			stopJob(m, job.name)
			stopJob(m, "evidence")
			unix.Kill(m.VM(), unix.SIGKILL)
		case "save":
			stopJob(m, job.name)
			m.Signal(unix.SIGTERM)
		}
		pid := stoppedJob(m, job.name)
		var caps, own uint64
		for _, name := range job.caps {
			n, _ := config.Capability(name)
			caps |= 1 << n
		}
		fmt.Sscanf(m.StatusOf(m.PID())["CapBnd"], "%x", &own) // a container may have less
		b := machine.ChildBounds{Comm: "job " + job.name, UID: "0", Caps: fmt.Sprintf("%016x", caps&own), Seccomp: "0", FDs: []string{"/memfd:beaminit-job (deleted)", "pipe:", "/dev/null", "anon_inode:[eventpoll]", "anon_inode:[eventfd]"}}
		b.CheckProcess(m, pid)
		if got := m.LimitsOf(pid)["Max file size"]; got != job.size+" "+job.size {
			t.Errorf("job %s: Max file size is %q, want %s", job.name, got, job.size)
		}
		goOn(m, pid, job.name)
	}
	if got := m.Ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}
