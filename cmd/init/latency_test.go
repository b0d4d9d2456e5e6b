package main

import (
	"path/filepath"
	"sort"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// opened sends the time of each opening of a file, which is what an exec begins with
// (inotify(7)).
func opened(b *testing.B, path string) <-chan time.Time {
	b.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err == nil {
		_, err = unix.InotifyAddWatch(fd, path, unix.IN_OPEN)
	}
	if err != nil {
		b.Fatal(err)
	}
	times := make(chan time.Time, 64)
	go func() {
		defer unix.Close(fd)
		var buf [4096]byte
		for {
			n, err := unix.Read(fd, buf[:])
			if err != nil || n <= 0 {
				return
			}
			times <- time.Now()
		}
	}()
	return times
}

// restart ends a process and gives the time from its end, as its parent can see it,
// to the opening of the next program.
func restart(b *testing.B, pid int, opens <-chan time.Time) time.Duration {
	b.Helper()
	for len(opens) > 0 {
		<-opens
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(fd)
	unix.Kill(pid, unix.SIGKILL)
	unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10000)
	ended := time.Now()
	select {
	case at := <-opens:
		return at.Sub(ended)
	case <-time.After(10 * time.Second):
		b.Fatal("no restart")
		return 0
	}
}

func median(d []time.Duration) time.Duration {
	sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
	return d[len(d)/2]
}

// How long a node is without its release: from the end of a VM that was killed to the
// exec of the next, beside a parent that does nothing but wait and start again the same
// program, in the same run.
func BenchmarkRestart(b *testing.B) {
	dir, err := demo()
	if err != nil || dir == "" {
		b.Skip("no Erlang", err)
	}
	programs, _ := filepath.Glob(dir + "/erts-*/bin/erlexec")
	if len(programs) != 1 {
		b.Fatal("no erlexec")
	}
	opens := opened(b, programs[0])
	m := power(b, withERTS(b, "hostname=node1 beaminit.supervise.window=1s", ""))
	var ours, bare []time.Duration
	next := 0
	for i := 0; i < b.N; i++ {
		var r health.Record
		r, next = m.restarted(i, next)
		for well := r.Up + time.Second; r.Up < well; { // what ran for a window is started again at once
			r, next = m.state(health.Up, next)
		}
		ours = append(ours, restart(b, m.vm(), opens))
	}
	for i := 0; i < max(b.N, 20); i++ {
		bare = append(bare, bareRestart(b, programs[0], opens))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(median(ours).Microseconds()), "µs/restart")
	b.ReportMetric(float64(median(bare).Microseconds()), "µs/bare")
	b.ReportMetric(float64(median(ours))/float64(median(bare)), "ratio")
}

// bareRestart is the yardstick: wait4(2), then fork and exec.
func bareRestart(b *testing.B, program string, opens <-chan time.Time) time.Duration {
	sleeper, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "100"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var status unix.WaitStatus
		unix.Wait4(sleeper, &status, 0, nil)
		if pid, err := syscall.ForkExec(program, []string{"erlexec"}, nil); err == nil { // it ends at once: no BINDIR
			unix.Wait4(pid, &status, 0, nil)
		}
	}()
	took := restart(b, sleeper, opens)
	<-done
	return took
}
