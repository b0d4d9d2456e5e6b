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
	var n notifySocket
	n.forget() // there is no socket yet
	n.fd = ends[0]
	for range 3 {
		if err := unix.Send(ends[1], []byte("READY=1"), unix.MSG_DONTWAIT); err != nil {
			t.Fatal(err)
		}
	}
	n.forget()
	if left, _, err := unix.Recvfrom(ends[0], make([]byte, 16), unix.MSG_DONTWAIT); err != unix.EAGAIN {
		t.Errorf("%d bytes wait still, %v", left, err)
	}
}
