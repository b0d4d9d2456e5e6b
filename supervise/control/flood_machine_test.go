package control_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/control"
	"golang.org/x/sys/unix"
)

// own is what PID 1 has of its own in memory, in KiB: the pages of its file are the kernel's
// to keep or to drop, in pieces whose size is the file system's.
func own(m *machine.Machine) int {
	m.T.Helper()
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.PID()))
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	m.Must(err)
	return kb
}

// A thousand clients that connect and say nothing, a flood of garbage, and ten thousand
// requests do no harm: PID 1 answers, is hardly larger than before, has no more descriptors,
// and starts the release again at once.
func TestFloodOfClients(t *testing.T) {
	t.Parallel()
	s := machine.WithERTS(t, "hostname=node1 beaminit.supervise.backoff=1ms,1ms beaminit.supervise.attempts=1000", "")
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	m.Reachable()
	open := m.Descriptors()
	before := latency(m, &next)
	was := own(m)

	m.InNetwork(func(path string) {
		silent := make([]int, 1000)
		for i := range silent {
			silent[i], _ = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			unix.Bind(silent[i], &unix.SockaddrUnix{})
			if err := unix.Connect(silent[i], &unix.SockaddrUnix{Name: path}); err != nil {
				t.Error(err)
			}
			defer unix.Close(silent[i])
		}
		m.Want(0, "state     up\n", "status")

		stop, ended := make(chan bool), make(chan int)
		go func() { // whose answers nobody reads
			n := 0
			garbage := [][]byte{nil, []byte("x"), make([]byte, 64<<10), control.Request{ID: 1, Command: "dance"}.Encode(), control.Request{ID: 1, Command: control.Status}.Encode()}
			for ; ; n++ {
				select {
				case <-stop:
					ended <- n
					return
				default:
					unix.Write(silent[n%len(silent)], garbage[n%len(garbage)])
				}
			}
		}()
		during := latency(m, &next)
		c, err := control.Dial(path)
		m.Must(err)
		defer c.Close()
		if a, err := c.Ask(control.Status, "", machine.AnswerLimit); err != nil || a.Verdict != control.OK {
			t.Errorf("in the flood: %+v %v", a, err)
		}
		close(stop)
		t.Logf("restart after kill -9: %v before, %v in a flood of %d messages", before, during, <-ended)
		if during > machine.AnswerLimit { // the flood takes a share of the CPU, as much else on a busy machine does
			t.Errorf("restart after %v, %v before the flood", during, before)
		}

		begun := time.Now()
		for i := 0; i < 10000; i++ {
			if a, err := c.Ask(control.Status, "", machine.AnswerLimit); err != nil || a.Verdict != control.OK {
				t.Errorf("request %d: %+v %v\n%s", i, a, err, m.Tail())
				return
			}
		}
		t.Logf("10,000 requests in %v", time.Since(begun))
	})
	flooded := own(m)
	// It tidies up with a record; what it has used since is in memory again.
	m.Record("with PID 1 hardly larger than before", next, func(health.Record) bool { return own(m) <= was+2048 })
	m.Eventually("close what was opened for the flood", func() bool { return m.Descriptors() <= open }) // it may be saving
	t.Logf("%d KiB of its own before the flood, %d then, %d after a while", was, flooded, own(m))
}

// latency is how long it takes from the end of the VM to the next one, by PID 1's own
// clock: the best of five.
func latency(m *machine.Machine, next *int) time.Duration {
	m.T.Helper()
	best := time.Hour
	for i := 0; i < 5; i++ {
		var down, started health.Record
		unix.Kill(m.VM(), unix.SIGKILL)
		down, *next = m.State(health.Down, *next)
		started, *next = m.State(health.Starting, *next)
		best = min(best, started.Up-down.Up)
		_, *next = m.Record("up", *next, func(r health.Record) bool { return r.State == health.Up })
	}
	return best
}

// A control socket that cannot be made costs nothing but the commands, and it is made as
// soon as it can be.
func TestNoControlSocket(t *testing.T) {
	t.Parallel()
	s := machine.Spec{Cmdline: machine.NoNetwork + "beaminit.health.interval=100ms", Tmpfs: map[string]string{"run": "nr_inodes=1"}}
	m := machine.Start(t, s)
	m.State(health.Rescue, 0)
	m.Line("no control socket: bind /run/beaminit/control: no such file or directory")
	m.Want(2, "/run/beaminit/control: no such socket", "stop")
	inMounts(m, func() error { return unix.Mount("", "/run", "", unix.MS_REMOUNT, "nr_inodes=100") })
	m.Must(os.Mkdir(fmt.Sprintf("/proc/%d/root/run/beaminit", m.PID()), 0o755))
	m.Reachable()
	m.Want(0, "stopped after ", "stop")
	if n := m.Count("no control socket"); n != 1 {
		t.Errorf("%d lines, want one", n)
	}
}

// inMounts calls f on a thread that is in the machine's mount namespace, and ends with it.
func inMounts(m *machine.Machine, f func() error) {
	m.T.Helper()
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_FS) // setns(2) wants it
		fd, err2 := unix.Open(fmt.Sprintf("/proc/%d/ns/mnt", m.PID()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err2 == nil {
			defer unix.Close(fd)
			err2 = unix.Setns(fd, unix.CLONE_NEWNS)
		}
		failed <- errors.Join(err, err2, func() error {
			if err != nil || err2 != nil {
				return nil
			}
			return f()
		}())
	}()
	m.Must(<-failed)
}
