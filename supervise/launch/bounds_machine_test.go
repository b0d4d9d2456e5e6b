package launch_test

import (
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

const listens = `args = ["-eval", "case gen_tcp:listen(80, []) of {ok, _} -> io:format(\"port 80 is mine~n\"); E -> io:format(\"port 80: ~p~n\", [E]) end."]
`

// A release that is no root's has the capabilities that it was given and no others,
// its limits, and its place for the OOM killer; PID 1 has none of that.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", `[release]
user = "nobody"
capabilities = ["net_bind_service", "CAP_SYS_TIME"]
limits = { nofile = "512:1024", core = 0, memlock = "4096:65536", cpu = "3600" }
oom_score_adj = 300
`+listens)
	s.Files["etc/passwd"] = "root:x:0:0::/:\nnobody:x:65534:65534::/:\n"
	s.Files["etc/group"] = "dialout:x:20:nobody\n"
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	m.Line("release: port 80 is mine")
	before := m.LimitsOf(m.PID())
	look := func() {
		t.Helper()
		vm := m.VM()
		const caps = "0000000002000400" // 1<<25 | 1<<10
		for name, want := range map[string]string{
			"Uid": "65534 65534 65534 65534", "Gid": "65534 65534 65534 65534", "Groups": "20 65534", "NoNewPrivs": "1",
			"CapInh": caps, "CapPrm": caps, "CapEff": caps, "CapBnd": caps, "CapAmb": caps,
		} {
			if got := m.StatusOf(vm)[name]; got != want {
				t.Errorf("%s of the VM is %q, want %q", name, got, want)
			}
		}
		for name, want := range map[string]string{
			"Max open files": "512 1024", "Max core file size": "0 0", "Max locked memory": "4096 65536", "Max cpu time": "3600 3600",
			"Max processes": before["Max processes"], "Max address space": "unlimited unlimited",
		} {
			if got := m.LimitsOf(vm)[name]; got != want {
				t.Errorf("%s of the VM is %q, want %q", name, got, want)
			}
		}
		if got := m.Proc(vm, "oom_score_adj"); got != "300\n" {
			t.Errorf("oom_score_adj is %q", got)
		}
	}
	look()
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Restarted(1, next)
	look()
	init := m.PID()
	if got := m.LimitsOf(init)["Max core file size"]; got == "0 0" {
		t.Error("PID 1 has a limit of the release")
	}
	if got := m.Proc(init, "oom_score_adj"); got == "300\n" {
		t.Error("PID 1 has the oom_score_adj of the release")
	}
	if s := m.StatusOf(init); s["CapBnd"] == "0000000002000400" || s["NoNewPrivs"] != "0" {
		t.Errorf("PID 1: %v", s)
	}
	m.Signal(unix.SIGTERM)
	m.Line("the release ended: exit status 0")
}

// The same for root: the capabilities named are all that it has.
func TestBoundsOfRoot(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1", "[release]\ncapabilities = [\"dac_override\"]\n"+listens))
	m.State(health.Up, 0)
	m.Line("release: port 80: {error,eacces}")
	for name, want := range map[string]string{
		"Uid": "0 0 0 0", "CapPrm": "0000000000000002", "CapEff": "0000000000000002", "CapBnd": "0000000000000002", "CapAmb": "0000000000000000",
	} {
		if got := m.StatusOf(m.VM())[name]; got != want {
			t.Errorf("%s of the VM is %q, want %q", name, got, want)
		}
	}
}

// Without capabilities a user cannot have port 80, limits or not.
func TestBoundsWithout(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "[release]\nuser = \"1234\"\nlimits = { nofile = 99999999999 }\n"+listens)
	m := machine.Start(t, s)
	m.State(health.Up, 0)
	m.Line("release: port 80: {error,eacces}")
	m.Line("release: beaminit-start: limit=nofile=99999999999: operation not permitted; the highest is 4000, which is used")
	for name, want := range map[string]string{"Uid": "1234 1234 1234 1234", "CapBnd": "0000000000000000", "NoNewPrivs": "1"} {
		if got := m.StatusOf(m.VM())[name]; got != want {
			t.Errorf("%s of the VM is %q, want %q", name, got, want)
		}
	}
}
