package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

func TestMessages(t *testing.T) {
	requests := map[string]Request{
		"beaminit/1 2a status ":            {ID: 42, Command: Status},
		"beaminit/1 2a reexec /sbin/in it": {ID: 42, Command: Reexec, Argument: "/sbin/in it"},
	}
	for text, want := range requests {
		got, err := parseRequest([]byte(text))
		if err != nil || got != want || string(got.Encode()) != text {
			t.Errorf("%q: got %+v %v, want %+v", text, got, err, want)
		}
	}
	a := Answer{ID: 42, Verdict: No, Incarnation: 7, Version: "v1_dirty", Text: "it is so: because"}
	const text = "beaminit/1 2a no 7 v1_dirty it is so: because"
	if got, err := parseAnswer([]byte(text)); err != nil || got != a || string(a.Encode()) != text {
		t.Errorf("got %+v %v, want %+v", got, err, a)
	}
}

func TestStrangeMessages(t *testing.T) {
	long := "beaminit/1 1 status " + strings.Repeat("x", MaxMessage)
	for _, text := range []string{"", "status", "beaminit/1", "beaminit/1 ", "beaminit/1 x status", "beaminit/1 1", "beaminit/1 1 ",
		"beaminit/2 1 status ", "beaminit/1 100000000 status ", "beaminit/1 1 reexec /a\nb", "beaminit/1 1 reexec /a\x00", long} {
		if r, err := parseRequest([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, r)
		}
	}
	for _, text := range []string{"", "beaminit/1 1 yes 1 v text", "beaminit/1 1 ok x v text", "beaminit/1 1 ok", long} {
		if a, err := parseAnswer([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, a)
		}
	}
	if n := len(Answer{Verdict: OK, Text: strings.Repeat("x", MaxAnswer)}.Encode()); n != MaxAnswer {
		t.Errorf("an answer has %d bytes", n)
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte("beaminit/1 2a reexec /sbin/init"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRequest(b)
		if err != nil {
			return
		}
		if again, err := parseRequest(r.Encode()); len(r.Encode()) < MaxMessage && (err != nil || again != r) {
			t.Errorf("%q does not survive: %+v %v", b, again, err)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte("beaminit/1 2a ok 7 v1 health v=1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseAnswer(b)
		if err != nil {
			return
		}
		if again, err := parseAnswer(a.Encode()); len(a.Encode()) < MaxAnswer && (err != nil || !reflect.DeepEqual(again, a)) {
			t.Errorf("%q does not survive: %+v %v", b, again, err)
		}
	})
}

// serve answers every request with its argument.
func serve(t *testing.T) (path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root is answered")
	}
	path = filepath.Join(t.TempDir(), "control")
	s, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Incarnation, s.Version = 7, "v1"
	go func() {
		for {
			r, c, err := s.Next()
			if err != nil {
				return
			}
			s.Answer(c, OK, r.Argument)
		}
	}()
	return path
}

func dial(t *testing.T, path string) *Conn {
	t.Helper()
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAsk(t *testing.T) {
	path := serve(t)
	if st, err := os.Stat(path); err != nil || st.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket is %v (%v), want 0600", st.Mode(), err)
	}
	c := dial(t, path)
	for _, text := range []string{"one", "two"} {
		a, err := c.Ask(Stop, text, nstest.Patience)
		if err != nil || a.Verdict != OK || a.Text != text || a.Incarnation != 7 || a.Version != "v1" {
			t.Errorf("got %+v %v", a, err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	dir := t.TempDir()
	if _, err := dial(t, dir+"/none").Ask(Status, "", time.Second); err != ErrNobody {
		t.Errorf("got %v, want ErrNobody", err)
	}
	s, err := Listen(dir + "/control")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, dir+"/control").Ask(Status, "", 100*time.Millisecond); err != ErrSilent {
		t.Errorf("nobody reads: got %v, want ErrSilent", err)
	}
	unix.Close(s.fd)
	if _, err := dial(t, dir+"/control").Ask(Status, "", 100*time.Millisecond); err != ErrSilent {
		t.Errorf("left behind: got %v, want ErrSilent", err)
	}
	if _, err := Listen(dir + "/control"); err != nil {
		t.Errorf("the next server: %v", err)
	}
	if _, err := Listen(dir + "/no/control"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %v, want that there is no such directory", err)
	}
}

// Another user cannot send; and where the file's mode lets him, he is refused.
func TestOtherUser(t *testing.T) {
	path := serve(t)
	for dir := filepath.Dir(path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		os.Chmod(dir, 0o755)
	}
	ask := func() (a Answer, err error) {
		done := make(chan bool)
		go func() { // its thread ends with it, and never is root again
			defer close(done)
			runtime.LockOSThread()
			syscall.RawSyscall(syscall.SYS_SETRESUID, 65534, 65534, 65534)
			a, err = dial(t, path).Ask(Stop, "", nstest.Patience)
		}()
		<-done
		return a, err
	}
	if a, err := ask(); err != ErrPermission {
		t.Errorf("got %+v %v, want ErrPermission", a, err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if a, err := ask(); err != nil || a.Verdict != No || a.Text != ErrPermission.Error() {
		t.Errorf("got %+v %v, want a refusal", a, err)
	}
}

// Clients that ask and do not read silence nobody but themselves; another user than root
// cannot answer.
func TestClientsThatDoNotRead(t *testing.T) {
	path := serve(t)
	message := Request{ID: 1, Command: Stop, Argument: strings.Repeat("x", 1000)}.Encode()
	for i := 0; i < 500; i++ {
		c := dial(t, path)
		for n := 0; n < 10; {
			if err := unix.Sendto(c.fd, message, 0, &unix.SockaddrUnix{Name: path}); err == nil {
				n++
			} else if err == unix.EAGAIN {
				time.Sleep(time.Millisecond)
			} else {
				t.Fatal(err)
			}
		}
	}
	if a, err := dial(t, path).Ask(Stop, "", nstest.Patience); err != nil || a.Verdict != OK {
		t.Errorf("got %+v %v", a, err)
	}
}

func TestAnswerOfAnotherUser(t *testing.T) {
	c := dial(t, "/nowhere")
	name, err := unix.Getsockname(c.fd)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { // its thread ends with it, and never is root again
		runtime.LockOSThread()
		syscall.RawSyscall(syscall.SYS_SETRESUID, 65534, 65534, 65534)
		fd, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		done <- unix.Sendto(fd, Answer{ID: c.id, Verdict: OK}.Encode(), 0, name)
		unix.Close(fd)
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if a, err := c.wait(time.Now().Add(100 * time.Millisecond)); err != errLost {
		t.Errorf("got %+v %v", a, err)
	}
}

// Descriptors that come along with a message do not stay open.
func TestNoDescriptorsTaken(t *testing.T) {
	path := serve(t)
	c := dial(t, path)
	if _, err := c.Ask(Status, "", nstest.Patience); err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	for i := 0; i < 100; i++ {
		fds := unix.UnixRights(0, 1, 2)
		if err := unix.Sendmsg(c.fd, Request{ID: 1, Command: Stop}.Encode(), fds, &unix.SockaddrUnix{Name: path}, 0); err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		if _, err := c.Ask(Status, "", nstest.Patience); err != nil {
			t.Fatal(err)
		}
	}
	// The last answer's own socket may still be there.
	nstest.Await(t, fmt.Sprintf("%d descriptors, as before", before), func() bool { return descriptors(t) <= before }, nil)
}

func descriptors(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// A client that is bound to a file gets no answer.
func TestOnlyAbstractNamesAreAnswered(t *testing.T) {
	path := serve(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path + "-client"}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendto(fd, Request{ID: 1, Command: Stop}.Encode(), 0, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, path).Ask(Status, "", nstest.Patience); err != nil { // it comes after
		t.Fatal(err)
	}
	if n, _, err := unix.Recvfrom(fd, make([]byte, 100), unix.MSG_DONTWAIT); err != unix.EAGAIN {
		t.Errorf("got %d bytes, %v", n, err)
	}
}
