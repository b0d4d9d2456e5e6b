package cluster

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"golang.org/x/sys/unix"
)

// serve listens on loopback and gives every connection to handle.
func serve(t *testing.T, handle func(net.Conn)) (port int) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); handle(c) }()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// wire is one handshake message on the wire.
func wire(body string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

// The answers of a real VM are in cmd/init's tests; these are the ways in which
// something else can sit on the port.
func TestProbeAnswers(t *testing.T) {
	challenge := "N" + string(make([]byte, 16)) + "\x00\x03a@b"
	tests := []struct {
		name  string
		reply []byte
		stay  bool
		want  Answer
	}{
		{"status and challenge", append(wire("sok"), wire(challenge)...), false, Answered},
		{"simultaneous", append(wire("sok_simultaneous"), wire(challenge)...), false, Answered},
		{"alive", wire("salive"), false, Answered},
		{"not allowed", wire("snot_allowed"), false, Answered},
		{"status without challenge", wire("sok"), true, Silent},
		{"nothing at all", nil, true, Silent},
		{"closes at once", nil, false, Strange},
		{"another protocol", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), false, Strange},
		{"empty message", []byte{0, 0}, false, Strange},
		{"half a status", []byte{0, 3, 's'}, true, Silent},
	}
	for _, tt := range tests {
		port := serve(t, func(c net.Conn) {
			got := make([]byte, 64)
			c.Read(got)
			c.Write(tt.reply)
			if tt.stay {
				c.SetReadDeadline(time.Now().Add(5 * time.Second))
				c.Read(got)
			}
		})
		got, _ := Probe(&unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}, "p@h", 200*time.Millisecond)
		if got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
	got, _ := Probe(&unix.SockaddrInet4{Port: 1, Addr: [4]byte{127, 0, 0, 1}}, "p@h", time.Second)
	if got != Refused {
		t.Errorf("nothing listens: got %d, want %d", got, Refused)
	}
}

// The kernel is asked about real connections between loopback addresses.
func TestMembers(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		loUp(t)
		l, err := net.Listen("tcp4", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		var peers []netip.AddrPort
		for i := byte(2); i <= 4; i++ {
			peers = append(peers, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, i}), uint16(port)))
		}
		var was links
		check := func(when string, want ...int) {
			t.Helper()
			is, err := members(peers, port, &was)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			was = is
			set := is.set()
			var got []int
			for i := range peers {
				if set.Has(i) {
					got = append(got, i)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v, want %v", when, got, want)
			}
		}
		check("alone")
		a := dial(t, "127.0.0.2", port)
		check("one came", 0)
		dial(t, "127.0.0.4", port)
		dial(t, "127.0.0.9", port)
		check("a second and a stranger", 0, 2)
		before := was[0]
		b := dial(t, "127.0.0.2", port)
		check("the first once more", 0, 2)
		if was[0] != before {
			t.Error("a second connection hides the one that stayed")
		}
		a.Close()
		check("its first connection has gone", 0, 2)
		if was[0] == before {
			t.Error("a new connection has the number of the old one")
		}
		b.Close()
		check("the first has gone", 2)
	})
}

// dial connects from a loopback address to the port of this machine.
func dial(t *testing.T, from string, port int) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A connection that ends and is made again is reported as missing in between,
// however short that was, and without waiting for the next regular look.
func TestMonitorSeesFlap(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		loUp(t)
		port := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
		inR, inW, _ := os.Pipe()
		outR, outW, _ := os.Pipe()
		w := Watch{Port: port, Node: "p@h", Interval: time.Hour, Timeout: time.Millisecond, Peers: []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 2}), uint16(port))}}
		go w.Run(int(inR.Fd()), int(outW.Fd()))
		defer inW.Close()
		next := func(what string, want bool) {
			t.Helper()
			outR.SetReadDeadline(time.Now().Add(5 * time.Second))
			for {
				var b [ReportSize]byte
				if _, err := io.ReadFull(outR, b[:]); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if r, ok := DecodeReport(b); ok && r.Known && r.Members.Has(0) == want {
					return
				}
			}
		}
		c := dial(t, "127.0.0.2", port)
		inW.Write([]byte{OrderWatch})
		next("connected", true)
		for i := 0; i < 3; i++ {
			c.Close()
			c = dial(t, "127.0.0.2", port)
			next("gone for a moment", false)
			next("connected again", true)
		}
	})
}

func loUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ifr, _ := unix.NewIfreq("lo")
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		t.Fatal(err)
	}
}

func TestWatchArgs(t *testing.T) {
	want := Watch{
		Port: 17012, Node: "beaminit@eclero6", Interval: 10 * time.Second, Timeout: 1500 * time.Millisecond,
		Local: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:17012")}, TLS: true,
		Peers: []netip.AddrPort{netip.MustParseAddrPort("192.168.7.8:17013"), netip.MustParseAddrPort("[fd00::a]:17012")},
	}
	got, err := ParseArgs(want.Args())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v\nwant %+v", got, err, want)
	}
	if _, err := ParseArgs([]string{MonitorName}); err == nil {
		t.Error("no arguments: want an error")
	}
}

func TestReportRoundTrip(t *testing.T) {
	want := Report{Answer: Silent, Took: 1234 * time.Microsecond, Known: true}
	want.Members.add(0)
	want.Members.add(255)
	if got, ok := DecodeReport(want.Encode()); !ok || got != want {
		t.Errorf("got %+v %v, want %+v", got, ok, want)
	}
	if _, ok := DecodeReport([ReportSize]byte{}); ok {
		t.Error("zeroes taken for a report")
	}
}

// A monitor that is told to watch reports; told to rest, or with PID 1 gone, it is silent.
func TestRun(t *testing.T) {
	port := serve(t, func(c net.Conn) { c.Read(make([]byte, 64)); c.Write(wire("snok")) })
	inR, inW, _ := os.Pipe()
	outR, outW, _ := os.Pipe()
	ended := make(chan struct{})
	w := Watch{Port: port, Node: "p@h", Interval: time.Hour, Timeout: time.Second, Local: []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))}}
	go func() { w.Run(int(inR.Fd()), int(outW.Fd())); close(ended) }()
	inW.Write([]byte{OrderWatch})
	var b [ReportSize]byte
	outR.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := outR.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	if r, ok := DecodeReport(b); !ok || r.Answer != Answered {
		t.Errorf("got %+v %v, want an answer", r, ok)
	}
	inW.Close()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("still runs after PID 1 has gone")
	}
}

// A release that listens nowhere is not probed; who is connected is known all the same.
func TestRunUnprobed(t *testing.T) {
	inR, inW, _ := os.Pipe()
	outR, outW, _ := os.Pipe()
	ended := make(chan struct{})
	go func() {
		Watch{Node: "p@h", Interval: time.Hour, Timeout: time.Second}.Run(int(inR.Fd()), int(outW.Fd()))
		close(ended)
	}()
	inW.Write([]byte{OrderWatch})
	var b [ReportSize]byte
	outR.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := outR.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	if r, ok := DecodeReport(b); !ok || r.Answer != 0 || !r.Known {
		t.Errorf("got %+v %v, want who is connected, and no probe", r, ok)
	}
	inW.Close()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("still runs after PID 1 has gone")
	}
}

func FuzzScan(f *testing.F) {
	peers := []netip.AddrPort{netip.MustParseAddrPort("192.168.7.8:17012")}
	msg := make([]byte, 16+diagMessage)
	binary.NativeEndian.PutUint32(msg, uint32(len(msg)))
	binary.NativeEndian.PutUint16(msg[4:], unix.SOCK_DIAG_BY_FAMILY)
	msg[16] = unix.AF_INET
	f.Add(msg)
	f.Fuzz(func(t *testing.T, b []byte) {
		q := query{peers, 17012, &links{}, &links{}}
		q.scan(b)
	})
}

func FuzzJudge(f *testing.F) {
	f.Add(wire("sok"))
	f.Fuzz(func(t *testing.T, b []byte) { judge(b) })
}
