package health_test

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/internal/nstest"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// A node whose kernel has no log (CONFIG_PRINTK is not set) speaks on the tty of its console; one
// that nobody reads for a while, with a release that writes as much as it can, keeps nobody
// waiting, and it tells what was lost.
func TestNoKernelLog(t *testing.T) {
	t.Parallel()
	tty, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skip("no pty: ", err)
	}
	defer unix.Close(tty)
	if err := unix.IoctlSetPointerInt(tty, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(tty, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	s := machine.WithERTS(t, "hostname=node1", "[release]\nuser = \"1000\"\nargs = [\"-eval\", \"spawn(fun F() -> io:format(\\\"~s~n\\\", [lists:duplicate(200, $x)]), F() end).\"]\n")
	s.Files["no-kmsg"], s.TTYs = "", map[string]string{"console": "/dev/pts/" + strconv.Itoa(n)}
	m := machine.Start(t, s)
	m.Reachable()
	m.Eventually("come up", func() bool { _, status := m.Ask("status"); return status == 0 })
	var got []byte
	buf := make([]byte, 64<<10)
	up, lost := 0, false
	for end := time.Now().Add(nstest.Patience); (up < 3 || !lost) && time.Now().Before(end); time.Sleep(time.Millisecond) {
		n, _ := unix.Read(tty, buf)
		got = append(got, buf[:max(n, 0)]...)
		up = 0
		for _, line := range bytes.Split(got, []byte("\n")) {
			if r, ok := health.Find(line); ok && r.State == health.Up {
				up++
			}
		}
		lost = bytes.Contains(got, []byte("lines of output dropped"))
	}
	if up < 3 || !lost {
		t.Errorf("%d records say that it is up, and what was lost is told: %v; the end of %d bytes: %q", up, lost, len(got), got[max(0, len(got)-2000):])
	}
}
