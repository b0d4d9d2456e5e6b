package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// proc reads a file of a process.
func (m *machine) proc(pid int, name string) string {
	m.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	m.must(err)
	return string(text)
}

// status gives the fields of /proc/PID/status, and limits those of /proc/PID/limits.
func (m *machine) status(pid int) map[string]string {
	fields := map[string]string{}
	for _, l := range strings.Split(m.proc(pid, "status"), "\n") {
		name, value, _ := strings.Cut(l, ":")
		fields[name] = strings.Join(strings.Fields(value), " ")
	}
	return fields
}

func (m *machine) limits(pid int) map[string]string {
	fields := map[string]string{}
	for _, l := range strings.Split(m.proc(pid, "limits"), "\n")[1:] {
		if len(l) > 26 {
			fields[strings.TrimSpace(l[:26])] = strings.Join(strings.Fields(l[26:])[:2], " ")
		}
	}
	return fields
}

const listens = `args = ["-eval", "case gen_tcp:listen(80, []) of {ok, _} -> io:format(\"port 80 is mine~n\"); E -> io:format(\"port 80: ~p~n\", [E]) end."]
`

// A release that is no root's has the capabilities that it was given and no others,
// its limits, and its place for the OOM killer; PID 1 has none of that.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1", `[release]
user = "nobody"
capabilities = ["net_bind_service", "CAP_SYS_TIME"]
limits = { nofile = "512:1024", core = 0, memlock = "4096:65536", cpu = "3600" }
oom_score_adj = 300
`+listens)
	s.files["etc/passwd"] = "root:x:0:0::/:\nnobody:x:65534:65534::/:\n"
	s.files["etc/group"] = "dialout:x:20:nobody\n"
	m := power(t, s)
	_, next := m.state(health.Up, 0)
	m.line("release: port 80 is mine")
	before := m.limits(m.PID())
	look := func() {
		t.Helper()
		vm := m.vm()
		const caps = "0000000002000400" // 1<<25 | 1<<10
		for name, want := range map[string]string{
			"Uid": "65534 65534 65534 65534", "Gid": "65534 65534 65534 65534", "Groups": "20 65534", "NoNewPrivs": "1",
			"CapInh": caps, "CapPrm": caps, "CapEff": caps, "CapBnd": caps, "CapAmb": caps,
		} {
			if got := m.status(vm)[name]; got != want {
				t.Errorf("%s of the VM is %q, want %q", name, got, want)
			}
		}
		for name, want := range map[string]string{
			"Max open files": "512 1024", "Max core file size": "0 0", "Max locked memory": "4096 65536", "Max cpu time": "3600 3600",
			"Max processes": before["Max processes"], "Max address space": "unlimited unlimited",
		} {
			if got := m.limits(vm)[name]; got != want {
				t.Errorf("%s of the VM is %q, want %q", name, got, want)
			}
		}
		if got := m.proc(vm, "oom_score_adj"); got != "300\n" {
			t.Errorf("oom_score_adj is %q", got)
		}
	}
	look()
	unix.Kill(m.vm(), unix.SIGKILL)
	m.restarted(1, next)
	look()
	init := m.PID()
	if got := m.limits(init)["Max core file size"]; got == "0 0" {
		t.Error("PID 1 has a limit of the release")
	}
	if got := m.proc(init, "oom_score_adj"); got == "300\n" {
		t.Error("PID 1 has the oom_score_adj of the release")
	}
	if s := m.status(init); s["CapBnd"] == "0000000002000400" || s["NoNewPrivs"] != "0" {
		t.Errorf("PID 1: %v", s)
	}
	m.signal(unix.SIGTERM)
	m.line("the release ended: exit status 0")
}

// The same for root: the capabilities named are all that it has.
func TestBoundsOfRoot(t *testing.T) {
	t.Parallel()
	m := power(t, withERTS(t, "hostname=node1", "[release]\ncapabilities = [\"dac_override\"]\n"+listens))
	m.state(health.Up, 0)
	m.line("release: port 80: {error,eacces}")
	for name, want := range map[string]string{
		"Uid": "0 0 0 0", "CapPrm": "0000000000000002", "CapEff": "0000000000000002", "CapBnd": "0000000000000002", "CapAmb": "0000000000000000",
	} {
		if got := m.status(m.vm())[name]; got != want {
			t.Errorf("%s of the VM is %q, want %q", name, got, want)
		}
	}
}

// Without capabilities a user cannot have port 80, limits or not.
func TestBoundsWithout(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1", "[release]\nuser = \"1234\"\nlimits = { nofile = 99999999999 }\n"+listens)
	m := power(t, s)
	m.state(health.Up, 0)
	m.line("release: port 80: {error,eacces}")
	m.line("release: beaminit-start: limit=nofile=99999999999: operation not permitted; the highest is 4000, which is used")
	for name, want := range map[string]string{"Uid": "1234 1234 1234 1234", "CapBnd": "0000000000000000", "NoNewPrivs": "1"} {
		if got := m.status(m.vm())[name]; got != want {
			t.Errorf("%s of the VM is %q, want %q", name, got, want)
		}
	}
}
