package datagram

import (
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/supervise/notify"
	"golang.org/x/sys/unix"
)

// A real socket: who sent a message is told by the kernel, one that is too long is none,
// and descriptors that come along do not stay open.
func TestDatagrams(t *testing.T) {
	path := t.TempDir() + "/notify"
	fd, err := Listen(path, os.Getuid(), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil || st.Mode&0o777 != 0o600 {
		t.Errorf("mode %o (%v)", st.Mode, err)
	}
	other, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(other)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		t.Fatal(err)
	}
	open := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	before := open()
	b := make([]byte, notify.MaxMessage)
	for _, tt := range []struct {
		message string
		want    int
	}{{"READY=1", 7}, {"", 0}, {strings.Repeat("x", notify.MaxMessage), notify.MaxMessage}, {strings.Repeat("x", notify.MaxMessage+1), 0}} {
		if err := unix.Sendmsg(other, []byte(tt.message), unix.UnixRights(0, 1, 2), &unix.SockaddrUnix{Name: path}, 0); err != nil {
			t.Fatal(err)
		}
		n, from, err := receive(fd, b, 0)
		if err != nil || n != tt.want || n > 0 && int(from.Pid) != os.Getpid() {
			t.Errorf("%d bytes: got %d of %+v, %v", len(tt.message), n, from, err)
		}
	}
	if after := open(); after != before {
		t.Errorf("%d descriptors are open, before it were %d", after, before)
	}
	// One that a PID 1 before this one left is no hindrance.
	again, err := Listen(path, os.Getuid(), 0o666)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(again)
}
