package launch

import (
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary is the exec helper too, as beaminit is.
func TestMain(m *testing.M) {
	switch os.Args[0] {
	case HelperName:
		os.Exit(Main(os.Args))
	case probeName:
		os.Exit(probe(os.Args))
	case "threads":
		os.Exit(showThreads())
	}
	unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) // PID 1 is started with none
	os.Exit(m.Run())
}

// started runs a command by Spawn and gives what it wrote, and what was said to PID 1
// meanwhile.
func started(t *testing.T, c Command) (out, said string) {
	t.Helper()
	var pipes [2][2]int
	for i := range pipes {
		if err := unix.Pipe2(pipes[i][:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := c.Spawn(pipes[1][1], null, pipes[0][1], pipes[0][1])
	unix.Close(null)
	unix.Close(pipes[0][1])
	unix.Close(pipes[1][1])
	if err != nil {
		t.Fatal(err)
	}
	var texts [2]string
	for i := range pipes {
		f := os.NewFile(uintptr(pipes[i][0]), "pipe")
		text, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			break
		}
	}
	if status != 0 {
		t.Errorf("status %x; it said %q", status, texts[1])
	}
	return texts[0], texts[1]
}

// fieldsOf reads /proc/PID/status, /proc/PID/limits (only the soft and the hard limit) and
// /proc/PID/oom_score_adj, one behind the other.
func fieldsOf(text string) map[string]string {
	fields := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		if name, value, ok := strings.Cut(l, ":"); ok {
			fields[name] = strings.Join(strings.Fields(value), " ")
		} else if _, err := strconv.Atoi(l); err == nil {
			fields["oom_score_adj"] = l
		} else if len(l) > 26 {
			fields[strings.TrimSpace(l[:26])] = strings.Join(strings.Fields(l[26:])[:2], " ")
		}
	}
	return fields
}

// oneOf is a value of one key, and what comes of it.
type oneOf struct {
	name string
	set  func(*Command)
	want map[string]string
}

var users = []oneOf{
	{"root", func(*Command) {}, map[string]string{"Uid": "0 0 0 0", "NoNewPrivs": "0"}},
	{"root in a group", func(c *Command) { c.Bounds.User = &syscall.Credential{Gid: 20, Groups: []uint32{20}} },
		map[string]string{"Uid": "0 0 0 0", "Gid": "20 20 20 20", "Groups": "20", "NoNewPrivs": "0"}},
	{"a user", func(c *Command) {
		c.Bounds.User = &syscall.Credential{Uid: 1000, Gid: 1001, Groups: []uint32{20, 1001}}
	},
		map[string]string{"Uid": "1000 1000 1000 1000", "Gid": "1001 1001 1001 1001", "Groups": "20 1001", "NoNewPrivs": "1"}},
	{"a user of no group", func(c *Command) { c.Bounds.User = &syscall.Credential{Uid: 70000, Gid: 80000} },
		map[string]string{"Uid": "70000 70000 70000 70000", "Gid": "80000 80000 80000 80000", "Groups": "", "NoNewPrivs": "1"}},
}

var capabilitySets = []oneOf{
	{"", func(*Command) {}, nil},
	{"port 80", func(c *Command) { c.Bounds.Capabilities = []string{"net_bind_service"} }, map[string]string{"CapBnd": "0000000000000400"}},
	{"of two words", func(c *Command) { c.Bounds.Capabilities = []string{"CAP_SYS_TIME", "bpf"} }, map[string]string{"CapBnd": "0000008002000000"}},
}

var limitSets = []oneOf{
	{"", func(*Command) {}, nil},
	{"limits", func(c *Command) { c.Bounds.Limits = []string{"nofile=100:200", "core=0", "memlock=4096:8192"} },
		map[string]string{"Max open files": "100 200", "Max core file size": "0 0", "Max locked memory": "4096 8192"}},
}

var oomScores = []oneOf{
	{"", func(*Command) {}, nil},
	{"killed first", func(c *Command) { c.Bounds.OOMScoreAdj = 300 }, map[string]string{"oom_score_adj": "300"}},
}

var places = []oneOf{
	{"", func(*Command) {}, nil},
	{"on a disk that may hang", func(c *Command) { c.Away = true }, nil},
}

// Every combination of what the keys of a release give it, read back from a real start by
// the exec helper: what one gives is not lost by another.
func TestBounds(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	limits, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		t.Fatal(err)
	}
	own := fieldsOf(string(text) + string(limits))
	for _, user := range users {
		for _, capabilities := range capabilitySets {
			for _, bound := range limitSets {
				for _, oom := range oomScores {
					for _, before := range places {
						row := []oneOf{user, capabilities, bound, oom, before}
						name := ""
						for _, o := range row {
							name += ", " + o.name
						}
						t.Run(name[2:], func(t *testing.T) { checkBounds(t, own, row) })
					}
				}
			}
		}
	}
}

func checkBounds(t *testing.T, own map[string]string, row []oneOf) {
	c := Command{Path: "/bin/cat", Argv: []string{"cat", "/proc/self/status", "/proc/self/limits", "/proc/self/oom_score_adj"}, Dir: "/"}
	want := map[string]string{}
	for _, o := range row {
		o.set(&c)
		for name, value := range o.want {
			want[name] = value
		}
	}
	// Root has what the bounding set has; a user, what it was given, through exec(2) too.
	root := strings.HasPrefix(want["Uid"], "0 ")
	if want["CapBnd"] == "" && root {
		want["CapBnd"] = own["CapBnd"]
	} else if want["CapBnd"] == "" {
		want["CapBnd"] = "0000000000000000"
	}
	want["CapPrm"], want["CapEff"], want["CapInh"], want["CapAmb"] = want["CapBnd"], want["CapBnd"], want["CapBnd"], want["CapBnd"]
	if root {
		want["CapInh"], want["CapAmb"] = own["CapInh"], own["CapAmb"]
	}
	out, said := started(t, c)
	got := fieldsOf(out)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	if said != "" {
		t.Errorf("it says %q", said)
	}
}

// What becomes another user does not possess the keys of who started PID 1, or the tool.
func TestKeys(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	runtime.LockOSThread() // a session keyring is a thread's; with this one it ends
	if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err == unix.ENOSYS || err == unix.EPERM {
		t.Skip("no keys here: ", err)
	}
	const name = "beaminit-secret"
	if _, err := unix.AddKey("user", name, []byte("of root"), unix.KEY_SPEC_SESSION_KEYRING); err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[uint32]bool{0: true, 1000: false, MonitorUID: false} {
		c := Command{Path: "/bin/cat", Argv: []string{"cat", "/proc/keys"}, Dir: "/", Bounds: Bounds{User: Nobody(uid)}}
		out, said := started(t, c)
		if strings.Contains(out, name) != want || said != "" {
			t.Errorf("uid %d: want %v to see the key; it says %q, and sees\n%s", uid, want, said, out)
		}
	}
}

// A cgroup that is gone is said, and the program started.
func TestCgroupGone(t *testing.T) {
	c := Command{Path: "/bin/echo", Argv: []string{"echo", "on"}, Env: []string{}, Dir: "/"}
	c.Bounds.Cgroup = t.TempDir() + "/gone"
	out, said := started(t, c)
	if want := HelperName + ": cgroup=" + c.Bounds.Cgroup + ": "; out != "on\n" || !strings.HasPrefix(said, want) {
		t.Errorf("it wrote %q and said %q, want it to begin with %q", out, said, want)
	}
}
