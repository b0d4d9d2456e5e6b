package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// stopJob has the next child that does a job of that name stop, when it has read its order.
func (m *machine) stopJob(name string) {
	m.t.Helper()
	for _, dir := range []string{"data", "store"} { // before /data is mounted, and after
		m.must(os.WriteFile(filepath.Join(m.root, dir, "stop-job-"+name), nil, 0o644))
	}
}

// stoppedJob awaits it.
func (m *machine) stoppedJob(name string) (pid int) {
	m.t.Helper()
	m.eventually("stop the job "+name, func() bool {
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

func (m *machine) goOn(pid int, name string) {
	m.t.Helper()
	for _, dir := range []string{"data", "store"} {
		os.Remove(filepath.Join(m.root, dir, "stop-job-"+name))
	}
	m.must(unix.Kill(pid, unix.SIGCONT))
}

// Each child that does a job of PID 1 has what the work needs and no more, as the kernel tells
// it, in a boot and in a PID 1 that has come by reexec.
func TestJobs(t *testing.T) {
	t.Parallel()
	s := withDisk(t, "beaminit.health.key_file=/data/health.key", "ok.")
	s.program = faulty(t)
	s.files["store/health.key"] = strings.Repeat("k", 32)
	s.files["etc/tmpfiles.d/own.conf"] = "d /run/own 0755 root root\n"
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
		s.files["data/stop-job-"+job.name], s.files["store/stop-job-"+job.name] = "", ""
	}
	for _, name := range []string{"last words", "evidence", "save"} { // there are some of them before
		delete(s.files, "data/stop-job-"+name)
		delete(s.files, "store/stop-job-"+name)
	}
	m := power(t, s)
	next := 0
	for _, job := range jobs {
		switch job.name {
		case again:
			_, next = m.state(health.Up, 0)
			if out, status := m.ask("reexec"); status != 0 {
				t.Fatalf("reexec: %d %s", status, out)
			}
			_, next = m.record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up })
			continue
		case "last words":
			m.stopJob(job.name)
			m.stopJob("evidence")
			unix.Kill(m.vm(), unix.SIGKILL)
		case "save":
			m.stopJob(job.name)
			m.signal(unix.SIGTERM)
		}
		pid := m.stoppedJob(job.name)
		var caps, own uint64
		for _, name := range job.caps {
			n, _ := config.Capability(name)
			caps |= 1 << n
		}
		fmt.Sscanf(m.status(m.PID())["CapBnd"], "%x", &own) // a container may have less
		b := childBounds{comm: "job " + job.name, uid: "0", caps: fmt.Sprintf("%016x", caps&own), seccomp: "0", fds: []string{"/memfd:beaminit-job (deleted)", "pipe:", "/dev/null", "anon_inode:[eventpoll]", "anon_inode:[eventfd]"}}
		b.checkProcess(m, pid)
		if got := m.limits(pid)["Max file size"]; got != job.size+" "+job.size {
			t.Errorf("job %s: Max file size is %q, want %s", job.name, got, job.size)
		}
		m.goOn(pid, job.name)
	}
	if got := m.ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}
