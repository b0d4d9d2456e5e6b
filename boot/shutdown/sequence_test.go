package shutdown

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/internal/clock"
	"github.com/beaminit/beaminit/internal/nstest"
)

const hangMarker = "BEAMINIT_HANG_TEST"

// TestHangBody is PID 1 for TestDeadline: its way down hangs at some place.
func TestHangBody(t *testing.T) {
	where := os.Getenv(hangMarker)
	if where == "" {
		t.Skip("only as PID 1 of the other test")
	}
	nstest.Must(t, unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	hang := func() { unix.Poll(nil, -1) }
	w := Sequence{Limit: time.Second, Stop: 500 * time.Millisecond, Reap: reapAll, Say: func(line string) { println(line) }}
	w.Last = func(a Action) { println("last: " + a.String()) }
	switch where {
	case "stop":
		w.Begin(Halt)
		w.Begin(Reboot) // the last one counts, with the time of the first
		hang()
	case "reap":
		w.Reap = func(time.Time) bool { hang(); return false }
	case "say":
		w.Say = func(line string) {
			if strings.HasPrefix(line, "reboot: sync") {
				println("hangs")
				hang()
			}
			hang()
		}
	}
	w.Begin(Reboot)
	w.Stopped()
	w.End(Reboot)
	t.Fatal("End came back")
}

// Whatever hangs, the node goes down when its time is over, and says what it was, if
// somebody listens.
func TestDeadline(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for namespaces")
	}
	for where, want := range map[string]string{
		"stop": "reboot: not done after 1.5 s, it hangs at: stop of the release; reboot by force",
		"reap": "reboot: not done after 1.5 s, it hangs at: SIGTERM to all processes; reboot by force",
		"say":  "",
	} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestHangBody$", "-test.v", "-test.timeout=50s")
		cmd.Env = append(os.Environ(), hangMarker+"="+where)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(nstest.Whole)}
		cmd.WaitDelay = time.Second
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		nstest.Must(t, cmd.Start())
		cmd.Wait()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGHUP {
			t.Errorf("%s: PID 1 ended with %#x, want the SIGHUP of a reboot\n%s", where, int(status), &out)
		}
		if text := out.String(); !strings.Contains(text, want) || !strings.Contains(text, "last: reboot") {
			t.Errorf("%s: want %q and the call before the last in\n%s", where, want, text)
		}
	}
}

// A file system whose server has gone does not hold the way down, nor does a process
// that waits for it and that no SIGKILL reaches.
func TestUnmountNetwork(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, append(boot.MountAll(boot.Early()), boot.MountLate()...))
		nstest.Must(t, unix.Mknod("/fuse", unix.S_IFCHR|0o600, int(unix.Mkdev(10, 229))))
		fd, err := unix.Open("/fuse", unix.O_RDWR, 0)
		if err == unix.ENXIO || err == unix.ENODEV || err == unix.EPERM {
			t.Skip("no FUSE here: ", err)
		}
		nstest.Must(t, err)
		nstest.Must(t, os.MkdirAll("/net/deeper", 0o755))
		nstest.Must(t, unix.Mount("server", "/net", "fuse.dead", 0, "fd="+itoa(fd)+",rootmode=40000,user_id=0,group_id=0"))
		// The server answers nothing, not even the first question, for which everybody
		// who looks for a file waits.
		looks := make(chan error, 1)
		go func() {
			var st unix.Stat_t
			looks <- unix.Stat("/net/file", &st)
		}()
		time.Sleep(50 * time.Millisecond) // it does not matter if it has not got that far
		start := time.Now()
		errs := unmountNetwork(4 * time.Second)
		if took := time.Since(start); took > nstest.Patience {
			t.Errorf("took %v", took)
		}
		if len(mounted(t, "/net")) != 0 {
			t.Errorf("still mounted: %v", errs)
		}
		select {
		case err := <-looks:
			if err == nil {
				t.Error("a file was found where nobody answers")
			}
		case <-time.After(nstest.Patience):
			t.Error("who waited for the server waits still")
		}
		if len(mounted(t, "/run")) != 1 {
			t.Error("/run is no network's")
		}
	})
}

// A loop device that nobody mounted keeps the file system of its file busy.
func TestUnmountLoop(t *testing.T) {
	nstest.Run(t, nstest.Whole, func(t *testing.T) {
		nstest.EmptyRoot(t)
		nstest.None(t, append(boot.MountAll(boot.Early()), boot.MountLate()...))
		nstest.Must(t, os.MkdirAll("/lower", 0o755))
		nstest.Must(t, os.MkdirAll("/upper", 0o755))
		nstest.Must(t, unix.Mount("tmpfs", "/lower", "tmpfs", 0, ""))
		nstest.Must(t, os.WriteFile("/lower/disk", make([]byte, 1<<20), 0o600))
		control, err := unix.Open("/dev/loop-control", unix.O_RDWR, 0)
		if err != nil {
			t.Skip("no loop devices here: ", err)
		}
		free, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
		if err != nil {
			t.Skip("no loop device to be had: ", err)
		}
		device := "/dev/loop" + itoa(free)
		if _, err := os.Stat(device); err != nil {
			nstest.Must(t, unix.Mknod(device, unix.S_IFBLK|0o600, int(unix.Mkdev(7, uint32(free)))))
		}
		dev, err := os.OpenFile(device, os.O_RDWR, 0)
		nstest.Must(t, err)
		file, err := os.OpenFile("/lower/disk", os.O_RDWR, 0)
		nstest.Must(t, err)
		if err := unix.IoctlSetInt(int(dev.Fd()), unix.LOOP_SET_FD, int(file.Fd())); err != nil {
			t.Skip("no loop device: ", err)
		}
		file.Close()
		dev.Close()
		defer detachLoop(device)
		backing := "/sys/block/loop" + itoa(free) + "/loop/backing_file"
		if text, err := os.ReadFile(backing); err != nil || strings.TrimSpace(string(text)) != "/lower/disk" {
			t.Fatalf("%q %v", text, err)
		}
		if _, busy := unmountEach([]boot.MountInfo{{Target: "/lower"}}, clock.Monotonic()+time.Second); len(mounted(t, "/lower")) == 0 {
			t.Fatalf("the loop device does not hold it: %v", busy)
		}
		nstest.None(t, unmountAll(5*time.Second, true))
		if len(mounted(t, "/lower")) != 0 {
			t.Error("/lower is still mounted")
		}
		if _, err := os.Stat(backing); err == nil {
			t.Error("the loop device still has its file")
		}
	})
}

func itoa(n int) string { return strconv.Itoa(n) }

func TestSwaps(t *testing.T) {
	got := swaps("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" +
		"/dev/mmcblk0p4                          partition\t524284\t\t0\t\t-2\n/dev/zram0 partition\t1\t0\t100\n/data/swap\\040file\tfile\t1\t0\t-3\nbroken\n")
	if strings.Join(got, "|") != "/dev/mmcblk0p4|/data/swap file" {
		t.Errorf("%q", got)
	}
	if got := swaps(""); got != nil {
		t.Errorf("%q", got)
	}
}

// What can be swapped off is; what cannot is said.
func TestSwapOffOne(t *testing.T) {
	if err := swapOffOne("/no/such/swap", time.Second); err == nil || !strings.Contains(err.Error(), "swapoff /no/such/swap: ") {
		t.Errorf("got %v", err)
	}
}

func TestRebootParam(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reboot-param")
	if s, err := RebootParam(path); s != "" || err != nil {
		t.Errorf("no file: %q %v", s, err)
	}
	long := strings.Repeat("x", 255)
	for _, tt := range []struct{ text, want, problem string }{
		{"0 tryboot", "0 tryboot", ""}, {"0 tryboot\n", "0 tryboot", ""}, {"bootloader\nmore\n", "bootloader", ""},
		{"", "", ""}, {"\n", "", ""}, {long + "\n", long, ""}, {long + "x\n", "", "longer than 255 bytes"}, {long + "xxxxxx", "", "longer than 255 bytes"},
		{"a\x1b[2J\n", "", "printable ASCII"}, {"a\x00b", "", "printable ASCII"}, {"ä\n", "", "printable ASCII"}, {"a\r\n", "", "printable ASCII"},
	} {
		nstest.Must(t, os.WriteFile(path, []byte(tt.text), 0o600))
		s, err := RebootParam(path)
		if s != tt.want || (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%.30q: got %q, %v; want %q, %q", tt.text, s, err, tt.want, tt.problem)
		}
	}
	nstest.Must(t, os.Remove(path))
	nstest.Must(t, unix.Mkfifo(path, 0o600))
	if s, err := RebootParam(path); s != "" {
		t.Errorf("a pipe: %q %v", s, err)
	}
	nstest.Must(t, os.Remove(path))
	nstest.Must(t, os.Symlink("/etc/hostname", path))
	if s, err := RebootParam(path); s != "" || err == nil {
		t.Errorf("a link: %q %v", s, err)
	}
}

func FuzzRebootParam(f *testing.F) {
	f.Add("0 tryboot\n")
	path := filepath.Join(f.TempDir(), "param")
	f.Fuzz(func(t *testing.T, text string) {
		nstest.Must(t, os.WriteFile(path, []byte(text), 0o600))
		if s, err := RebootParam(path); len(s) > maxParam || CheckRebootParam(s) != nil || err != nil && s != "" {
			t.Errorf("%q of %q, %v", s, text, err)
		}
	})
}
