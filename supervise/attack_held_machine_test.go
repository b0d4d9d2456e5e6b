package supervise_test

import (
	"bufio"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/machine"
	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// lingering gives a descriptor of a connection whose last close(2) takes an hour (socket(7),
// SO_LINGER): the other end, which this process has too, takes nothing any more.
func lingering() (fd int, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return -1, err
	}
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3600})
	}
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		_, err = l.Accept()
	}
	if err != nil {
		return -1, err
	}
	for full := 0; full < 20; { // both ends
		if _, err := unix.SendmsgN(fd, make([]byte, 1<<16), nil, nil, unix.MSG_DONTWAIT); err == nil {
			full = 0
			continue
		}
		full++
		time.Sleep(5 * time.Millisecond)
	}
	return fd, nil
}

// attackHeld sends the last descriptors of such connections to a socket of PID 1, so that who takes
// them there closes the connections: one is taken, others wait. Then it stays, as their other end.
func attackHeld(path string) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	var held [3]int
	for i := range held {
		if err == nil {
			held[i], err = lingering()
		}
	}
	to := &unix.SockaddrUnix{Name: path}
	for range held { // PID 1 takes its time for each: this process has closed the descriptors then
		if err == nil {
			err = unix.Sendto(fd, []byte("STATUS=before"), 0, to)
		}
	}
	for _, h := range held {
		if err == nil {
			err = unix.Sendmsg(fd, []byte("READY=1"), unix.UnixRights(h), to, 0)
		}
		go unix.Close(h)
	}
	fmt.Println("sent", err)
	time.Sleep(time.Hour)
}

// lastingAttack begins an attack that goes on until the machine ends, and wants its first line.
func lastingAttack(m *machine.Machine, uid uint32, want string, args ...string) {
	m.T.Helper()
	cmd := attackAs(m, uid, args...)
	out, err := cmd.StdoutPipe()
	m.Must(err)
	m.Must(cmd.Start())
	m.T.Cleanup(func() { m.PowerOff(); cmd.Wait() })
	late := time.AfterFunc(nstest.Patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != want+"\n" {
		m.T.Fatalf("attack %q says %q, want %q", args, line, want)
	}
}

// What comes along with a message is let go of by PID 1, and may hold up who does that for as long
// as its sender wants: not PID 1's loop.
func TestAttacksByWhatIsSent(t *testing.T) {
	t.Parallel()
	m := attacked(t, "app", "[[service]]\nname = \"own\"\nexec = [\"/srv/attacker\", \"wait\"]\nuser = \"1234\"\nready = \"notify\"\nready_timeout = \"1h\"\n")
	_, next := m.State(health.Up, 0)
	for path, uid := range map[string]uint32{"/run/beaminit/notify": 1000, "/run/beaminit/heart": 1000, "/run/beaminit/notify.own": 1234} {
		lastingAttack(m, uid, "sent <nil>", "held", path)
		for range 3 {
			m.Want(0, "state     up\n", "status")
		}
	}
	m.Want(0, "", "reexec")
	_, next = m.Record("of the next PID 1", next, func(r health.Record) bool { return r.State == health.Up })
	unix.Kill(m.VM(), unix.SIGKILL)
	m.Restarted(1, next)
	if n := m.Count("stood still"); n > 0 {
		t.Error("PID 1 stood still\n" + m.Tail())
	}
}
