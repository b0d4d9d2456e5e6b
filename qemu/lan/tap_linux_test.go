package lan

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/nstest"
)

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

// Two network namespaces, each with a TAP device on the switch: the kernels of both
// sides find each other (ARP) and pass UDP.
func TestTapJoinsANamespace(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		s := NewSwitch()
		defer s.Close()
		one := udpIn(t, s, "192.168.7.1/24")
		two := udpIn(t, s, "192.168.7.2/24")
		deadline := time.Now().Add(nstest.Patience)
		one.SetDeadline(deadline)
		two.SetDeadline(deadline)
		if _, err := one.WriteTo([]byte("hello"), two.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		n, from, err := two.ReadFrom(buf)
		if err != nil || string(buf[:n]) != "hello" || from.String() != one.LocalAddr().String() {
			t.Fatalf("got %q from %v (%v), want hello from %v", buf[:n], from, err, one.LocalAddr())
		}
	})
}

// udpIn gives a UDP socket at that address, in a new network namespace that is on
// the LAN of s.
func udpIn(t *testing.T, s *Switch, address string) net.PacketConn {
	t.Helper()
	type result struct {
		conn net.PacketConn
		err  error
	}
	done := make(chan result)
	prefix := netip.MustParsePrefix(address)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread's namespace goes with it
		if err := unix.Unshare(syscall.CLONE_NEWNET); err != nil {
			done <- result{nil, err}
			return
		}
		guest, port := net.Pipe()
		s.attach("tap", port, false)
		tap, err := Tap(guest, "lan0", prefix)
		if err != nil {
			done <- result{nil, err}
			return
		}
		t.Cleanup(func() { tap.Close() })
		conn, err := net.ListenPacket("udp4", prefix.Addr().String()+":9")
		done <- result{conn, err}
		<-t.Context().Done()
	}()
	r := <-done
	if r.err != nil {
		t.Fatalf("a namespace with %s: %v", address, r.err)
	}
	t.Cleanup(func() { r.conn.Close() })
	return r.conn
}
