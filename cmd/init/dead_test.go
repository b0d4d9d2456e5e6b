package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// fuse is a file system of which this process is the server, and never answers: what has
// asked it for anything waits until it is killed; with asleep, in uninterruptible sleep, as with
// a disk that is gone (kernel Documentation/filesystems/fuse.rst).
func (m *machine) fuse(asleep bool) *os.File {
	m.t.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		m.t.Skipf("no file system that never answers can be made here: %v", err)
	}
	over, gone := make(chan struct{}), make(chan struct{})
	m.dead = append(m.dead, func() { close(over); <-gone })
	fd, _ := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0) // with a close that waits for no reader, as that of f does
	go func() {
		defer close(gone)
		defer f.Close()
		defer unix.Close(fd)
		request := make([]byte, 64<<10)
		for {
			select {
			case <-over:
				return
			default:
			}
			if n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 50); n > 0 && asleep {
				answerInit(fd, request)
			} else if n > 0 {
				<-over
			}
		}
	}()
	return f
}

// answerInit takes a request of the kernel, and answers only the first.
func answerInit(fd int, request []byte) {
	n, err := unix.Read(fd, request)
	const header, opInit = 40, 26 // fuse_in_header, FUSE_INIT (linux/fuse.h)
	if err != nil || n < header || binary.NativeEndian.Uint32(request[4:]) != opInit {
		return
	}
	answer := make([]byte, 16+64) // fuse_out_header, fuse_init_out
	binary.NativeEndian.PutUint32(answer, uint32(len(answer)))
	copy(answer[8:16], request[8:16]) // unique
	binary.NativeEndian.PutUint32(answer[16:], 7)
	binary.NativeEndian.PutUint32(answer[20:], 31)
	binary.NativeEndian.PutUint32(answer[36:], 4096) // max_write
	unix.Write(fd, answer)
}

// revive ends those file systems: what waits for them gets an error.
func (m *machine) revive() {
	for _, end := range m.dead {
		end()
	}
	m.dead = nil
}

// What stands in the place of a file that PID 1 has to do with, and makes who opens it wait
// for ever: the loop answers at once, and the node goes down in order.
func TestWaitsForNoFile(t *testing.T) {
	t.Parallel()
	const (
		tls  = "beaminit.distribution.tls.cert=/data/tls.pem beaminit.distribution.tls.key=/data/tls.pem beaminit.distribution.tls.ca=/data/tls.pem"
		data = "\n[[mount]]\nsource = \"none\"\ntarget = \"/data\"\ntype = \"fuse\"\n"
	)
	tests := []struct {
		path, cmdline, toml string
		dir                 bool
		says                string // when it never answers; a FIFO is refused in other words
	}{
		{"data/cookie", "", "", false, "release: not done within"},
		{"etc/passwd", "beaminit.release.user=app", "", false, "release: not done within"},
		{"data/tls.pem", tls, "", false, "release: not done within"},
		{"data/health.key", "beaminit.health.key_file=/data/health.key", "", false, "health.key_file: key: not done within"},
		{"srv/id", "beaminit.node.id=/srv/id beaminit.node.hostname=n-%s", "", false, "srv/id: not done within"},
		{"srv/prepare", "", "[release]\npre_run = [\"/srv/prepare\"]\n", false, ""},
		{"data", "", data, true, "look at /data"},
		{"data/beaminit", "", "", true, ""},
		{"srv/erlang", "", "", true, "release: not done within"},
		{"data/crash", "beaminit.dump.directory=/data/crash", "", true, ""},
		{"data/dump", "", "[release]\nenv = { ERL_CRASH_DUMP = \"/data/dump/erl_crash.dump\" }\n", true, ""},
		{"data/work", "beaminit.release.working_directory=/data/work", "", true, "release: not done within"},
	}
	for _, tt := range tests {
		for _, kind := range []string{"dead", "FIFO"} {
			if tt.dir && kind == "FIFO" {
				continue
			}
			t.Run(kind+" "+tt.path, func(t *testing.T) {
				t.Parallel()
				s := withERTS(t, "hostname=node1 "+tt.cmdline, tt.toml)
				s.dirs = append(s.dirs, "data/beaminit")
				if kind == "dead" {
					s.dead, s.asleep = []string{tt.path}, tt.path == "data/cookie" || tt.path == "data"
				} else {
					s.fifos = []string{tt.path}
				}
				if tt.dir {
					s.dirs = append(s.dirs, tt.path)
					if tt.path == "srv/erlang" {
						delete(s.bind, tt.path)
					}
				} else if kind == "dead" {
					s.files[tt.path] = "x"
				} else {
					delete(s.files, tt.path)
				}
				m := power(t, s)
				if kind == "dead" {
					m.line(tt.says)
				}
				m.reachable()
				m.answersAtOnce()
				if vm := m.has("beam.smp"); vm != 0 { // and what it leaves is looked at
					unix.Kill(vm, unix.SIGKILL)
					m.record("again", 0, func(r health.Record) bool { return r.Restarts == 1 && r.PID != 0 })
					m.answersAtOnce()
				}
				m.signal(unix.SIGTERM)
				m.eventually("call reboot(2)", func() bool { return m.isExiting() })
				m.revive()
				if got := m.ended(); got != unix.SIGHUP {
					t.Errorf("the kernel ended it with %v, want a reboot", got)
				}
			})
		}
	}
}

// answersAtOnce asks for the state, five times: on a machine that has much else to do one
// answer may be late for that.
func (m *machine) answersAtOnce() {
	m.t.Helper()
	const limit = 100 * time.Millisecond
	best := time.Hour
	for range 5 {
		begun := time.Now()
		if answer := m.direct("status", ""); !strings.HasPrefix(answer, "ok") {
			m.t.Fatalf("status: %s\n%s", answer, m.tail())
		}
		best = min(best, time.Since(begun))
	}
	if best > limit {
		m.t.Errorf("the loop takes %v to answer, want at most %v\n%s", best, limit, m.tail())
	}
}

// isExiting says that PID 1 has done the last thing that it does, though the kernel may wait
// for what hangs below it (proc(5), stat: flags, PF_EXITING).
func (m *machine) isExiting() bool {
	if m.gone(0) {
		return true
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.PID()))
	if err != nil {
		return true
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	flags, _ := strconv.ParseUint(fields[6], 10, 64)
	return flags&0x4 != 0
}
