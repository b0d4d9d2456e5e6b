package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/supervise/control"
	"golang.org/x/sys/unix"
)

func dialControl(path string) (*control.Conn, error) { return control.Dial(path) }

// inNetwork calls f on a thread that is in the machine's network namespace, where the
// abstract names of unix sockets are, with the control socket's path from here. The
// thread ends with it.
func (m *machine) inNetwork(f func(path string)) {
	m.t.Helper()
	pid := m.PID()
	failed := make(chan error, 1)
	go func() {
		defer close(failed) // a test that fails ends this goroutine
		runtime.LockOSThread()
		fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err == nil {
			f(fmt.Sprintf("/proc/%d/root%s", pid, node.ControlPath))
		}
		failed <- err
	}()
	m.must(<-failed)
}

// own is what PID 1 has of its own in memory, in KiB: the pages of its file are the kernel's
// to keep or to drop, in pieces whose size is the file system's.
func (m *machine) own() int {
	m.t.Helper()
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.PID()))
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	m.must(err)
	return kb
}

// A thousand clients that connect and say nothing, a flood of garbage, and ten thousand
// requests do no harm: PID 1 answers, is hardly larger than before, has no more descriptors,
// and starts the release again at once.
func TestFloodOfClients(t *testing.T) {
	t.Parallel()
	s := withERTS(t, "hostname=node1 beaminit.supervise.backoff=1ms,1ms beaminit.supervise.attempts=1000", "")
	m := power(t, s)
	_, next := m.state(health.Up, 0)
	m.reachable()
	open := m.descriptors()
	before := m.latency(&next)
	was := m.own()

	m.inNetwork(func(path string) {
		silent := make([]int, 1000)
		for i := range silent {
			silent[i], _ = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			unix.Bind(silent[i], &unix.SockaddrUnix{})
			if err := unix.Connect(silent[i], &unix.SockaddrUnix{Name: path}); err != nil {
				t.Error(err)
			}
			defer unix.Close(silent[i])
		}
		m.want(0, "state     up\n", "status")

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
		during := m.latency(&next)
		c, err := control.Dial(path)
		m.must(err)
		defer c.Close()
		if a, err := c.Ask(control.Status, "", limitOfAnswer); err != nil || a.Verdict != control.OK {
			t.Errorf("in the flood: %+v %v", a, err)
		}
		close(stop)
		t.Logf("restart after kill -9: %v before, %v in a flood of %d messages", before, during, <-ended)
		if during > limitOfAnswer { // the flood takes a share of the CPU, as much else on a busy machine does
			t.Errorf("restart after %v, %v before the flood", during, before)
		}

		begun := time.Now()
		for i := 0; i < 10000; i++ {
			if a, err := c.Ask(control.Status, "", limitOfAnswer); err != nil || a.Verdict != control.OK {
				t.Errorf("request %d: %+v %v\n%s", i, a, err, m.tail())
				return
			}
		}
		t.Logf("10,000 requests in %v", time.Since(begun))
	})
	flooded := m.own()
	// It tidies up with a record; what it has used since is in memory again.
	m.record("with PID 1 hardly larger than before", next, func(health.Record) bool { return m.own() <= was+2048 })
	if got := m.descriptors(); got > open {
		t.Errorf("%d descriptors, %d before", got, open)
	}
	t.Logf("%d KiB of its own before the flood, %d then, %d after a while", was, flooded, m.own())
}

// latency is how long it takes from the end of the VM to the next one, by PID 1's own
// clock: the best of five.
func (m *machine) latency(next *int) time.Duration {
	m.t.Helper()
	best := time.Hour
	for i := 0; i < 5; i++ {
		var down, started health.Record
		unix.Kill(m.vm(), unix.SIGKILL)
		down, *next = m.state(health.Down, *next)
		started, *next = m.state(health.Starting, *next)
		best = min(best, started.Up-down.Up)
		_, *next = m.record("up", *next, func(r health.Record) bool { return r.State == health.Up })
	}
	return best
}

// A control socket that cannot be made costs nothing but the commands, and it is made as
// soon as it can be.
func TestNoControlSocket(t *testing.T) {
	t.Parallel()
	s := spec{cmdline: quick + "beaminit.health.interval=100ms", files: map[string]string{"full-run": ""}}
	m := power(t, s)
	m.state(health.Rescue, 0)
	m.line("no control socket: bind /run/beaminit/control: no such file or directory")
	m.want(2, "/run/beaminit/control: no such socket", "stop")
	m.inMounts(func() error { return unix.Mount("", "/run", "", unix.MS_REMOUNT, "nr_inodes=100") })
	m.must(os.Mkdir(fmt.Sprintf("/proc/%d/root/run/beaminit", m.PID()), 0o755))
	m.reachable()
	m.want(0, "stopped after ", "stop")
	if n := m.count("no control socket"); n != 1 {
		t.Errorf("%d lines, want one", n)
	}
}

// inMounts calls f on a thread that is in the machine's mount namespace, and ends with it.
func (m *machine) inMounts(f func() error) {
	m.t.Helper()
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
	m.must(<-failed)
}
