package node_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// maxPSS is the most that PID 1 may have of the memory, in bytes, beside a real release.
const maxPSS = 4_000_000

// One node with a real release, through everything that can happen to its VM.
func TestLife(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "")
	s.Memory = true // pages of 4 KiB, as a squashfs gives them: ext4 and others may have them by 2 MiB
	m := machine.Start(t, s)
	first, next := m.State(health.Starting, 0)
	up, next := m.State(health.Up, next)
	if up.Node != "eclero@node1" || up.PID != first.PID || up.Restarts != 0 || up.Probe == 0 || up.Mem == 0 {
		t.Errorf("up: %+v", up)
	}
	m.Line("release: eclero: ")

	t.Run("nothing shows the cookie", func(t *testing.T) {
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", m.VM()))
		if !strings.Contains(string(args), "beam.smp") || strings.Contains(string(args)+m.Tail(), "namespace-cookie") {
			t.Errorf("cmdline %q, console\n%s", args, m.Tail())
		}
	})
	t.Run("PID 1 stays small", func(t *testing.T) {
		kb := 0
		m.Eventually("give back what only the boot needed", func() bool { // a second after it
			rollup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", m.PID()))
			_, rest, _ := strings.Cut(string(rollup), "\nPss:")
			kb, _ = strconv.Atoi(strings.Fields(rest)[0])
			return kb > 0 && kb <= maxPSS>>10
		})
		t.Logf("PSS %d KiB", kb)
	})
	t.Run("SIGSTOP", func(t *testing.T) {
		pid := m.VM()
		unix.Kill(pid, unix.SIGSTOP)
		stopped := m.LastRecord()
		hung, n := m.State(health.Hung, next)
		// By the node's own records, one an interval: a busy machine is late with both.
		if n := hung.Seq - stopped.Seq; n > 4 {
			t.Errorf("hung %d records later, want within two intervals", n)
		}
		if hung.Why == "" {
			t.Error("hung without a reason")
		}
		unix.Kill(pid, unix.SIGCONT)
		_, next = m.State(health.Up, n)
	})
	t.Run("kill -9 in a storm of orphans", func(t *testing.T) {
		pid := m.VM()
		storm := make(chan error, 1)
		go func() { storm <- m.StormQuietly(2000) }()
		time.Sleep(100 * time.Millisecond) // in the midst of it
		unix.Kill(pid, unix.SIGKILL)
		down, n := m.State(health.Down, next)
		if down.Why != "killed by signal 9 (SIGKILL)" || down.Next <= 0 || down.PID != 0 {
			t.Errorf("down: %+v", down)
		}
		_, n = m.State(health.Starting, n)
		again, n := m.Restarted(1, n)
		if again.Boot != up.Boot || again.PID == up.PID {
			t.Errorf("again: %+v", again)
		}
		next = n
		if err := <-storm; err != nil {
			t.Error(err)
		}
		m.WaitNoZombies()
	})
	t.Run("kill -9 of the monitor", func(t *testing.T) {
		unix.Kill(m.Child("beaminit-monito"), unix.SIGKILL) // a name has 15 bytes
		m.Line("the monitor ended (killed by signal 9 (SIGKILL))")
		_, next = m.State(health.Up, next)
	})
	t.Run("SIGTERM", func(t *testing.T) {
		m.Signal(unix.SIGTERM)
		m.State(health.Stopping, next)
		m.Line("the release ended: exit status 0")
		if got := m.Ended(); got != unix.SIGHUP {
			t.Errorf("the kernel ended it with %v, want a reboot", got)
		}
	})
}

// A release that cannot stay up is started again a few times, then the policy has
// the last word.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		giveUp string
		ends   syscall.Signal
	}{
		{"rescue", 0},
		{"reboot", unix.SIGHUP},
		{"poweroff", unix.SIGINT},
	}
	for _, tt := range tests {
		t.Run(tt.giveUp, func(t *testing.T) {
			m := machine.Start(t, machine.WithERTS(t, "hostname=node1 beaminit.supervise.attempts=2 beaminit.supervise.backoff=10ms,20ms "+
				"beaminit.supervise.give_up="+tt.giveUp+" beaminit.release.args=-eval,halt(3).", ""))
			r, next := m.State(health.Down, 0)
			if r.Why != "exit status 3" {
				t.Errorf("why=%q", r.Why)
			}
			if tt.ends == 0 {
				r, _ = m.State(health.Rescue, next)
				if r.Restarts != 2 || r.Why != "gave up after 3 ends within 1m0s: exit status 3" {
					t.Errorf("rescue: %+v", r)
				}
				return
			}
			m.State(health.Stopping, next)
			if got := m.Ended(); got != tt.ends {
				t.Errorf("the kernel ended it with %v, want %v", got, tt.ends)
			}
		})
	}
}

// A release that ignores SIGTERM, because it is stopped, does not stop the node.
func TestStopTimeout(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1 beaminit.supervise.stop_timeout=300ms", ""))
	_, next := m.State(health.Up, 0)
	unix.Kill(m.VM(), unix.SIGSTOP)
	m.Signal(unix.SIGUSR2)
	m.State(health.Stopping, next)
	m.Line("killed by signal 9 (SIGKILL)")
	if got := m.Ended(); got != unix.SIGINT {
		t.Errorf("the kernel ended it with %v, want a power off", got)
	}
}

// A release that writes more than the console takes is not stopped by that, lines
// that were dropped are counted, and health records come through all the while. That
// it got to the end of its flood it says by its exit status: a line could be dropped.
func TestFlood(t *testing.T) {
	t.Parallel()
	m := machine.Start(t, machine.WithERTS(t, "hostname=node1", "[release]\nargs = [\"-eval\", "+
		"\"[io:format(\\\"~200..xs~n\\\", [\\\"\\\"]) || _ <- lists:seq(1, 200000)], halt(7).\"]\n"))
	_, next := m.State(health.Up, 0)
	m.Line("lines of output dropped")
	m.State(health.Up, next)
	m.Line("the release ended: exit status 7")
}

// A full /run leaves no room for the files that the release needs: the node says so
// and stays, whatever give_up says.
func TestFullRunWithRelease(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1 beaminit.supervise.attempts=1 beaminit.supervise.backoff=10ms,10ms", "")
	s.Tmpfs = map[string]string{"run": "nr_inodes=1"}
	m := machine.Start(t, s)
	r, _ := m.State(health.Rescue, 0)
	if !strings.Contains(r.Why, "no space left") {
		t.Errorf("why=%q", r.Why)
	}
}

// The VM of a release with a user runs as that user, with its groups and no way to
// become another, and comes up as it would for root: it reads its cookie and writes
// into its HOME.
func TestUser(t *testing.T) {
	t.Parallel()
	tests := []struct{ user, groups string }{
		{"app", "1001 20"},
		{"1234", "1234"}, // needs no line in /etc/passwd
	}
	for _, tt := range tests {
		t.Run(tt.user, func(t *testing.T) {
			s := machine.WithERTS(t, "hostname=node1", "[release]\nuser = \""+tt.user+"\"\nargs = [\"-eval\", "+
				"\"ok = file:write_file(os:getenv(\\\"HOME\\\") ++ \\\"/proof\\\", []), io:format(\\\"cookie ~p~n\\\", [erlang:get_cookie() =:= 'namespace-cookie']).\"]\n")
			s.Files["etc/passwd"] = "root:x:0:0::/:\napp:x:1000:1001::/:\n"
			s.Files["etc/group"] = "dialout:x:20:app\naudio:x:29:other\n"
			m := machine.Start(t, s)
			_, next := m.State(health.Up, 0)
			m.Line("release: cookie true")
			userIs(m, tt.user, tt.groups)
			unix.Kill(m.VM(), unix.SIGKILL)
			m.Restarted(1, next)
			userIs(m, tt.user, tt.groups)
			m.Signal(unix.SIGTERM)
			m.Line("the release ended: exit status 0")
			if got := m.Ended(); got != unix.SIGHUP {
				t.Errorf("the kernel ended it with %v, want a reboot", got)
			}
		})
	}
}

// The release gets the limit of open files that PID 1 was given, and not the one to which
// Go raises its own; the usual umask; and no other place in the eyes of the OOM killer
// than PID 1, which that never takes. It is so after PID 1 fell, too.
func TestInherits(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "")
	s.Program, s.Writable = machine.Faulty(t), true
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	look := func() {
		t.Helper()
		read := func(pid int, name string) string {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			m.Must(err)
			return string(text)
		}
		vm := m.VM()
		if want := fmt.Sprintf("Max open files            %-20d %-20d files", machine.SoftFiles, machine.HardFiles); !strings.Contains(read(vm, "limits"), want) {
			t.Errorf("want %q in\n%s", want, read(vm, "limits"))
		}
		if got := read(vm, "status"); !strings.Contains(got, "\nUmask:\t0022\n") {
			t.Errorf("want umask 0022 in\n%s", got)
		}
		if got, want := read(vm, "oom_score_adj"), read(m.PID(), "oom_score_adj"); got != want {
			t.Errorf("oom_score_adj is %s, that of PID 1 %s", got, want)
		}
	}
	look()
	m.Fault("turn")
	m.Line("PID 1 has begun anew")
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Restarted(1, next)
	look()
}

// userIs looks at who the VM, its child and the files of the release are. Only the
// release is bound to its user.
func userIs(m *machine.Machine, user, groups string) {
	m.T.Helper()
	uid := user
	if user == "app" {
		uid = "1000"
	}
	gid, _, _ := strings.Cut(groups, " ")
	of := func(pid int) map[string]string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		m.Must(err)
		fields := map[string]string{}
		for _, l := range strings.Split(string(text), "\n") {
			name, value, _ := strings.Cut(l, ":")
			fields[name] = strings.Join(strings.Fields(value), " ")
		}
		return fields
	}
	vm := of(m.VM())
	four := func(id string) string { return strings.Join([]string{id, id, id, id}, " ") }
	for name, want := range map[string]string{
		"Uid": four(uid), "Gid": four(gid), "Groups": sorted(groups), "NoNewPrivs": "1",
		"CapEff": "0000000000000000", "CapPrm": "0000000000000000",
	} {
		if got := vm[name]; got != want {
			m.T.Errorf("%s of the VM is %q, want %q", name, got, want)
		}
	}
	if init := of(m.PID()); init["NoNewPrivs"] != "0" || init["Uid"] != four("0") {
		m.T.Errorf("PID 1 has NoNewPrivs %s and Uid %s", init["NoNewPrivs"], init["Uid"])
	}
	tmp := fmt.Sprintf("/proc/%d/root/run/beaminit/release", m.PID())
	for _, name := range []string{"", "/.erlang.cookie", "/proof"} {
		var st unix.Stat_t
		if err := unix.Stat(tmp+name, &st); err != nil || fmt.Sprint(st.Uid) != uid || fmt.Sprint(st.Gid) != gid {
			m.T.Errorf("%s: owner %d:%d (%v), want %s:%s", tmp+name, st.Uid, st.Gid, err, uid, gid)
		}
	}
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d/root/run/beaminit/inetrc", m.PID()), &st); err != nil || st.Uid != 0 {
		m.T.Errorf("inetrc: owner %d (%v), want root", st.Uid, err)
	}
}

// sorted puts the groups in the order in which the kernel keeps them.
func sorted(groups string) string {
	f := strings.Fields(groups)
	slices.SortFunc(f, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
	return strings.Join(f, " ")
}

// A user that is not there is no reason to run the release as root.
func TestUnknownUser(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1", "[release]\nuser = \"app\"\n")
	s.Files["etc/passwd"] = "root:x:0:0::/:\n"
	m := machine.Start(t, s)
	r, _ := m.State(health.Rescue, 0)
	want := `/etc/beaminit.toml:2: release.user: no user "app" in /etc/passwd; want a name that is in /etc/passwd of the image, or a number; using none: the release is not started`
	if r.Why != strings.ReplaceAll(want, `"`, "'") || r.PID != 0 {
		t.Errorf("pid=%d why=%q, want %q", r.PID, r.Why, want)
	}
	m.Line(want)
}
