package supervise

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What waits in the socket when a run begins was said of the run before: a process of that one
// that has ended passes for one of the next (see speaker).
func TestForgetNotices(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	l := &Loop{}
	l.forgetNotices() // there is no socket yet
	l.notify.fd = ends[0]
	for range 3 {
		if err := unix.Send(ends[1], []byte("READY=1"), unix.MSG_DONTWAIT); err != nil {
			t.Fatal(err)
		}
	}
	l.forgetNotices()
	if n, _, err := unix.Recvfrom(ends[0], make([]byte, 16), unix.MSG_DONTWAIT); err != unix.EAGAIN {
		t.Errorf("%d bytes wait still, %v", n, err)
	}
}
