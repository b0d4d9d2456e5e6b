package lan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
)

const broadcast = "\xff\xff\xff\xff\xff\xff"

// attach makes conn the port of a node that has one, on the only LAN.
func (s *Switch) attach(name string, conn io.ReadWriteCloser, cut bool) <-chan struct{} {
	return s.AttachAt(At{Node: name}, conn, cut)
}

// addr is the n-th address of a test.
func addr(n byte) string { return "\x52\x54\x00\x00\x00" + string(n) }

// wire makes a frame as it goes over a port's connection.
func wire(dst, src, text string) []byte {
	frame := dst + src + "\x08\x00" + text
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)
}

// plug makes a port of s and gives the guest's end of it.
func plug(t *testing.T, s *Switch, name string) net.Conn {
	t.Helper()
	guest, port := net.Pipe()
	s.attach(name, port, false)
	t.Cleanup(func() { guest.Close() })
	return guest
}

func send(t *testing.T, c net.Conn, frame []byte) {
	t.Helper()
	c.SetWriteDeadline(time.Now().Add(nstest.Patience))
	if _, err := c.Write(frame); err != nil {
		t.Fatalf("send a frame: %v", err)
	}
}

// wants checks what comes next out of a port; "" means nothing.
func wants(t *testing.T, who string, c net.Conn, want string) {
	t.Helper()
	wait := nstest.Patience
	if want == "" {
		wait = 50 * time.Millisecond
	}
	c.SetReadDeadline(time.Now().Add(wait))
	frame, err := readFrame(c)
	got := ""
	if err == nil {
		got = string(frame[4+minFrame:])
	}
	if got != want {
		t.Errorf("%s got %q (%v), want %q", who, got, err, want)
	}
}

func TestSwitchLearnsWhereAnAddressIs(t *testing.T) {
	s := NewSwitch()
	defer s.Close()
	a, b, c := plug(t, s, "a"), plug(t, s, "b"), plug(t, s, "c")

	send(t, a, wire(addr('b'), addr('a'), "who is b"))
	wants(t, "b", b, "who is b") // not learned yet: to all
	wants(t, "c", c, "who is b")

	send(t, b, wire(addr('a'), addr('b'), "me"))
	wants(t, "a", a, "me")
	wants(t, "c, of a frame for a,", c, "")

	send(t, a, wire(addr('b'), addr('a'), "hello"))
	wants(t, "b", b, "hello")
	wants(t, "c, of a frame for b,", c, "")

	send(t, a, wire(broadcast, addr('a'), "all"))
	wants(t, "b", b, "all")
	wants(t, "c", c, "all")
	wants(t, "a, of its own broadcast,", a, "")

	// An address that moves is learned anew.
	send(t, c, wire(addr('a'), addr('b'), "moved"))
	wants(t, "a", a, "moved")
	send(t, a, wire(addr('b'), addr('a'), "there?"))
	wants(t, "c", c, "there?")
	wants(t, "b, after its address moved,", b, "")

	if n := s.Count(); n.Frames != 6 || n.Flooded != 2 || n.Dropped != 0 || n.Ports != 3 {
		t.Errorf("counters are %+v, want 6 frames, 2 flooded, 0 dropped, 3 ports", n)
	}
}

func TestSwitchForgetsAPortThatIsGone(t *testing.T) {
	s := NewSwitch()
	defer s.Close()
	guest, port := net.Pipe()
	gone := s.attach("a", port, false)
	b, c := plug(t, s, "b"), plug(t, s, "c")
	send(t, guest, wire(broadcast, addr('a'), "x"))
	wants(t, "b", b, "x")
	wants(t, "c", c, "x")
	guest.Close()
	<-gone
	send(t, b, wire(addr('a'), addr('b'), "anyone?"))
	wants(t, "c", c, "anyone?")
}

func TestSwitchCut(t *testing.T) {
	s := NewSwitch()
	defer s.Close()
	a, b, c := plug(t, s, "a"), plug(t, s, "b"), plug(t, s, "c")
	if n := s.Cut("", "b", true); n != 1 {
		t.Errorf("Cut gave %d ports, want 1", n)
	}
	send(t, a, wire(broadcast, addr('a'), "one"))
	wants(t, "c", c, "one")
	wants(t, "b, which is cut,", b, "")
	send(t, b, wire(broadcast, addr('b'), "two"))
	wants(t, "a, of a frame from b,", a, "")
	wants(t, "c, of a frame from b,", c, "")
	if n := s.Count().Cut; n != 2 {
		t.Errorf("%d frames counted as cut, want 2", n)
	}
	s.Cut("", "b", false)
	send(t, b, wire(broadcast, addr('b'), "three"))
	wants(t, "a", a, "three")
	wants(t, "c", c, "three")
	if n := s.Cut("", "nobody", true); n != 0 {
		t.Errorf("Cut of an unknown port gave %d, want 0", n)
	}
}

// A guest that reads nothing must not hold up the others: its frames are dropped
// and counted.
func TestSwitchDropsForASlowPort(t *testing.T) {
	s := NewSwitch()
	defer s.Close()
	a, b := plug(t, s, "a"), plug(t, s, "b")
	plug(t, s, "slow")
	const n = 3 * queueLen
	go func() {
		for range n {
			a.SetWriteDeadline(time.Now().Add(nstest.Patience))
			if _, err := a.Write(wire(broadcast, addr('a'), "x")); err != nil {
				return
			}
			a.SetWriteDeadline(time.Time{})
			// One at a time, so that only the slow port is behind.
			if _, err := readFrame(b); err != nil {
				return
			}
		}
		a.Write(wire(broadcast, addr('a'), "end"))
	}()
	deadline := time.Now().Add(nstest.Patience)
	for s.Count().Frames <= n && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	wants(t, "b", b, "end")
	// One is in the hands of the writer, queueLen wait, the rest is lost.
	if got, want := s.Count().Dropped, uint64(n+1-queueLen-1); got != want {
		t.Errorf("%d frames dropped, want %d", got, want)
	}
}

func TestSwitchEndsAPortThatLosesItsFraming(t *testing.T) {
	for _, head := range []string{"\x00\x00\x00\x00", "\x00\x00\x00\x0d", "\xff\xff\xff\xff"} {
		s := NewSwitch()
		guest, port := net.Pipe()
		gone := s.attach("a", port, false)
		send(t, guest, []byte(head))
		select {
		case <-gone:
		case <-time.After(nstest.Patience):
			t.Errorf("a port that sent the length % x is still there", head)
		}
		s.Close()
	}
}

// A checkout may lie deeper than the 108 bytes that a socket's name has.
func TestListenWithALongPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("d", 120), "lan.sock")
	if _, err := Dial(path); err == nil {
		t.Error("Dial where nothing is gave no error")
	}
	mkdir(t, filepath.Dir(path))
	s := NewSwitch()
	defer s.Close()
	for range 2 { // the second time over what the first left behind
		l, err := s.Listen(path, "")
		if err != nil {
			t.Fatal(err)
		}
		a, err := Dial(path)
		if err != nil {
			t.Fatal(err)
		}
		b := plug(t, s, "b")
		// The frame may come before the switch has taken the connection: it waits there.
		send(t, a, wire(broadcast, addr('a'), "hello"))
		wants(t, "b", b, "hello")
		a.Close()
		l.Close()
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(wire(broadcast, addr('a'), "x"))
	f.Add([]byte{0, 0, 0, 14})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		for {
			frame, err := readFrame(r)
			if err != nil {
				break
			}
			if len(frame) < 4+minFrame || len(frame) > 4+maxFrame {
				t.Fatalf("a frame of %d bytes", len(frame))
			}
		}
		io.Copy(io.Discard, r)
	})
}

func TestTrafficIsWhatComesThrough(t *testing.T) {
	s := NewSwitch()
	defer s.Close()
	a, b, c := plug(t, s, "a"), plug(t, s, "b"), plug(t, s, "c")
	s.Impair("", "a", "c", func(f *Fault) { f.Cut = true })
	send(t, a, wire(broadcast, addr('a'), "all"))
	wants(t, "b", b, "all")
	send(t, b, wire(addr('a'), addr('b'), "me"))
	wants(t, "a", a, "me")
	if got, want := fmt.Sprint(s.Traffic()), "[{a b 1} {b a 1}]"; got != want {
		t.Errorf("the traffic is %s, want %s", got, want)
	}
	b.Close()
	wants(t, "c", c, "")
	nstest.Await(t, "the traffic of b is forgotten", func() bool { return len(s.Traffic()) == 0 }, func() string { return fmt.Sprint(s.Traffic()) })
}
