package history_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/history"
	"golang.org/x/sys/unix"
)

// remembered waits until the history in dir ends with an entry of that kind.
func remembered(m *machine.Machine, dir string, n int, kind history.Kind) []history.Entry {
	m.T.Helper()
	for was := ""; ; {
		was = m.AwaitFile(filepath.Join(dir, "history"), was)
		entries, garbled, err := history.Read(dir)
		if err != nil || garbled > 0 {
			m.T.Fatalf("%d bytes are garbled, %v:\n%s", garbled, err, was)
		}
		if len(entries) >= n && entries[len(entries)-1].Kind == kind {
			return entries
		}
	}
}

// tool runs a command of the binary in the machine.
func tool(m *machine.Machine, args ...string) (out string, status int) {
	m.T.Helper()
	args = append([]string{"-m", "-t", strconv.Itoa(m.PID()), "/sbin/init"}, args...)
	cmd := exec.Command("nsenter", args...)
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		m.T.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

func kinds(entries []history.Entry) string {
	var list []string
	for _, e := range entries {
		list = append(list, string(e.Kind))
	}
	return strings.Join(list, " ")
}

// like is what text is with its times and numbers made the same for each run.
func like(text string) string {
	for _, r := range [...][2]string{
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`, "TIME"}, {`\b[0-9a-f]{8}\b`, "BOOT"},
		{`\b(\d+d\d+h|\d+h\d+m|\d+m\d+s|\d+\.\ds|\d+s) *`, "LONG "}, {`beaminit/history: [0-9]+`, "N"},
	} {
		text = regexp.MustCompile(r[0]).ReplaceAllString(text, r[1])
	}
	return text
}

// A boot says how the one before ended: as it was asked to, or by a power cut.
func TestPrevious(t *testing.T) {
	t.Parallel()
	s, dir := machine.OnDisk(t, machine.Spec{Cmdline: machine.NoNetwork})
	m := machine.Start(t, s)
	first, _ := m.State(health.Rescue, 0)
	remembered(m, dir, 2, history.Rescue)
	if n := m.Count("previous:"); n > 0 {
		t.Errorf("there was no boot before:\n%s", m.Tail())
	}
	m.Signal(unix.SIGTERM)
	m.Ended()
	entries := remembered(m, dir, 3, history.Down)
	if got := kinds(entries); got != "boot rescue down" || !entries[2].Asked || entries[2].Boot != first.Boot {
		t.Errorf("after a reboot: %s, %+v", got, entries[2])
	}

	m = machine.Start(t, s)
	second, _ := m.State(health.Rescue, 0)
	m.Line("previous: boot " + fmt.Sprintf("%08x ", first.Boot))
	m.Line(": reboot asked for by SIGTERM")
	remembered(m, dir, 5, history.Rescue)
	m.PowerOff() // a power cut
	m.Ended()

	m = machine.Start(t, s)
	m.State(health.Rescue, 0)
	m.Line("previous: boot " + fmt.Sprintf("%08x ", second.Boot))
	m.Line("ended without a word (power cut, kernel panic, watchdog or a reboot at once) after at least ")
	remembered(m, dir, 7, history.Rescue)
	m.Line("previous: boot")
	if n := m.Count("previous:"); n != 1 {
		t.Errorf("%d lines of before:\n%s", n, m.Tail())
	}
	out, status := tool(m, "history", "-n", "5")
	const want = `TIME (UTC)           UP      BOOT
TIME  LONG BOOT  down  reboot asked for by SIGTERM
TIME  LONG BOOT  boot  beaminit dev
TIME  LONG BOOT  rescue `
	const cut = "BOOT        ended without a word (power cut, kernel panic, watchdog or a reboot at once)\n"
	if got := like(out); status != 0 || !strings.HasPrefix(got, want) || strings.Count(got, cut) != 1 || strings.Count(out, "\n") != 7 {
		t.Errorf("status %d\n%s\nwant\n%s…", status, got, want)
	}
	disk := filepath.Dir(dir)
	for _, path := range []string{disk, dir, dir + "/history"} { // as a disk that was taken out
		b, err := exec.Command(machine.Init(t), "history", "-n=5", path).CombinedOutput()
		if err != nil || string(b) != out {
			t.Errorf("%s: %v\n%s", path, err, b)
		}
	}
}

// Each end of the release is remembered, and told after the reboot that comes of them.
func TestPreviousEnds(t *testing.T) {
	t.Parallel()
	s, dir := machine.OnDisk(t, machine.WithERTS(t, "hostname=node1 beaminit.supervise.attempts=4 beaminit.supervise.backoff=10ms,20ms "+
		"beaminit.supervise.give_up=reboot beaminit.release.args=-eval,halt(3).", ""))
	m := machine.Start(t, s)
	m.Ended()
	entries := remembered(m, dir, 7, history.Down)
	if got := kinds(entries); strings.ReplaceAll(got, "up ", "") != "boot end end end end end down" {
		t.Errorf("remembered: %s", got)
	}
	for i, e := range entries {
		if e.Kind == history.End && (e.Why != "exit status 3" || e.PID == 0 || e.Ran == 0) || i > 0 && e.Up < entries[i-1].Up {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if last := entries[len(entries)-1]; last.Asked || last.Why != "reboot: gave up after 5 ends within 1m0s: exit status 3" {
		t.Errorf("the last one: %+v", last)
	}
	s.Cmdline += " beaminit.supervise.give_up=rescue"
	m = machine.Start(t, s)
	m.Line(": reboot: gave up after 5 ends within 1m0s: exit status 3; the release ended 5 times")
	m.LinesWith("previous: the release ended 2", 3)
	m.State(health.Rescue, 0)
	remembered(m, dir, 14, history.Rescue)
}

// Up is remembered once in a boot, and a fall of PID 1 each time; the release is not
// said to have ended by it.
func TestRemembersFalls(t *testing.T) {
	t.Parallel()
	s, dir := machine.OnDisk(t, machine.WithERTS(t, "hostname=node1", ""))
	s.Program = machine.Faulty(t)
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	entries := remembered(m, dir, 2, history.Up)
	for i, place := range []string{"turn", "history"} {
		m.Must(os.WriteFile(filepath.Join(filepath.Dir(dir), "fault-"+place), nil, 0o600))
		if place == "history" { // it is only there when there is something to write
			unix.Kill(m.VM(), unix.SIGKILL)
		}
		m.Line("fault at " + place)
		m.LinesWith("PID 1 has begun anew", i+1)
		entries = remembered(m, dir, 3+i, history.Fall)
		_, next = m.Restarted(i, next)
	}
	// The end that was being written when PID 1 fell is lost with it.
	if got := kinds(entries); got != "boot up fall fall" || !strings.Contains(entries[2].Why, "fault at turn") {
		t.Errorf("remembered: %+v", entries)
	}
	m.Signal(unix.SIGTERM)
	m.Ended()
	if got := kinds(remembered(m, dir, 6, history.Down)); !strings.HasSuffix(got, "end down") {
		t.Errorf("at last: %s", got)
	}
}

// Where the history cannot be written, one line says so, and the node has it in memory.
func TestHistoryInTheWay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		put  func(dir string) error
		want string
	}{
		{"a directory", func(dir string) error { return os.MkdirAll(dir+"/history", 0o700) },
			"history: /data/beaminit/history: it is a directory; want a regular file; until then it is kept in memory only"},
		{"a file for its directory", func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
			"nothing is kept on /data: /data/beaminit: it is a regular file; want a directory"},
		{"garbage", func(dir string) error {
			os.MkdirAll(dir, 0o700)
			return os.WriteFile(dir+"/history", make([]byte, 10000), 0o600)
		}, "history: 10000 bytes of /data/beaminit/history are garbled, they are passed over"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, dir := machine.OnDisk(t, machine.Spec{Cmdline: machine.NoNetwork})
			if err := tt.put(dir); err != nil {
				t.Fatal(err)
			}
			m := machine.Start(t, s)
			m.State(health.Rescue, 0)
			m.Line("beaminit: " + tt.want)
			for end := "rescue"; ; {
				if out, status := tool(m, "history"); status == 0 && strings.Contains(out, end) {
					break
				}
				m.Line("beaminit: ")
			}
			m.Signal(unix.SIGTERM)
			m.Ended()
			if n := m.Count("beaminit: history: ") + m.Count("nothing is kept"); n != 1 {
				t.Errorf("%d lines about the history:\n%s", n, m.Tail())
			}
		})
	}
}

// What history prints where there is none, and what it does not understand.
func TestHistoryOfNothing(t *testing.T) {
	t.Parallel()
	image := t.TempDir()
	os.Mkdir(filepath.Join(image, "etc"), 0o700)
	os.WriteFile(filepath.Join(image, "etc/beaminit.toml"), []byte(machine.WithState().TOML), 0o600)
	empty := t.TempDir()
	tests := []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{empty}, 1, "beaminit history: " + empty + ": it is a directory; want a regular file\n"},
		{[]string{empty + "/none"}, 1, "beaminit history: nothing is remembered in " + empty + "/none\n"},
		{[]string{"--root", image}, 1, "beaminit history: nothing is remembered in " + image + "/data/beaminit/history\n"},
		{[]string{"--root", empty}, 1, "beaminit history: nothing is remembered in this configuration: it has no [[mount]] for what is to outlive a reboot\n"},
		{[]string{"-n", "x"}, 2, "beaminit history: -n x: want a number of entries, from 1 on\n"},
		{[]string{"-n"}, 2, "beaminit history: -n wants a value\n"},
		{[]string{"--all"}, 2, "beaminit history: no option --all; want -n NUMBER, --root DIR, or the path of a history\n"},
	}
	for _, tt := range tests {
		cmd := exec.Command(machine.Init(t), append([]string{"history"}, tt.args...)...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != tt.status || string(out) != tt.want {
			t.Errorf("%v: status %d, want %d\n got %swant %s", tt.args, got, tt.status, out, tt.want)
		}
	}
}
