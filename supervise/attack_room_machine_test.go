package supervise_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// A release that puts directories in the place of what PID 1 writes for it, and fills what it
// can in memory to the last byte and the last name: PID 1 has the room that it needs, answers,
// goes on after a reexec, and starts the release again.
func TestAttacksOnRoom(t *testing.T) {
	t.Parallel()
	s := toBeAttacked(t, "app", "")
	const room = "size=4m,nr_inodes=2000,mode=0700"
	s.Tmpfs = map[string]string{"run": "size=2m,nr_inodes=300,mode=0755", "run/beaminit/release": room, "run/beaminit/dumps": room}
	m := machine.Start(t, s)
	_, next := m.State(health.Up, 0)
	for i, again := range [][]string{{"places", "/run/beaminit/release"}, {"fill", "/run/beaminit/release", "/run/beaminit/dumps"}} {
		attacks(m, 1000, "places", "/run/beaminit/release")
		attacks(m, 1000, again...)
		m.Want(0, "state     up\n", "status")
		m.Must(os.WriteFile(fmt.Sprintf("/proc/%d/root/run/beaminit/own", m.PID()), make([]byte, 1<<20), 0o600))
		m.Want(0, "", "reexec")
		_, next = m.Record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up })
		unix.Kill(m.VM(), unix.SIGKILL)
		_, next = m.Restarted(i+1, next)
	}
}

// What the release's user can fill is apart from what PID 1 works with, in a boot as in a PID 1
// that has come by reexec; the release of root has all.
func TestRoomOfItsOwn(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]int{"root": 0, "1000": 1} {
		t.Run(user, func(t *testing.T) {
			m := machine.Start(t, machine.WithERTS(t, "hostname=node1", "[release]\nuser = \""+user+"\"\n"))
			_, next := m.State(health.Up, 0)
			m.Want(0, "", "reexec")
			m.Record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up })
			for _, dir := range []string{"/run/beaminit/release", "/run/beaminit/dumps"} {
				if n := strings.Count(m.Proc(m.PID(), "mountinfo"), " "+dir+" rw,nosuid,nodev,noexec,relatime - tmpfs "); n != want {
					t.Errorf("%s is %d times a file system of its own, want %d:\n%s", dir, n, want, m.Proc(m.PID(), "mountinfo"))
				}
			}
		})
	}
}
