package cluster

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"
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

func local(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
}

// wire is one handshake message on the wire.
func wire(body string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

// challenge is the challenge of a node of that name.
func challenge(node string) string {
	return "N" + string(make([]byte, 16)) + string([]byte{0, byte(len(node))}) + node
}

// The answers of a real VM are in the tests of the program; these are the ways in which
// something else can sit on the port.
func TestProbeAnswers(t *testing.T) {
	tests := []struct {
		name  string
		reply []byte
		stay  bool
		want  Answer
	}{
		{"status and challenge", append(wire("sok"), wire(challenge("a@b"))...), false, Answered},
		{"simultaneous", append(wire("sok_simultaneous"), wire(challenge("a@b"))...), false, Answered},
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
		w := Watch{Node: "p@h", Limit: time.Minute}
		if tt.want == Silent {
			w.Limit = 200 * time.Millisecond
		}
		if got, _ := w.probe(local(port)); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
	w := Watch{Node: "p@h", Limit: time.Second}
	if got, _ := w.probe(local(1)); got != Refused {
		t.Errorf("nothing listens: got %d, want %d", got, Refused)
	}
}

func TestChallenger(t *testing.T) {
	for _, tt := range []struct {
		answer []byte
		want   string
	}{
		{append(wire("sok"), wire(challenge("app@n1"))...), "app@n1"},
		{append(wire("sok"), wire(challenge(""))...), ""},
		{append(wire("sok"), wire(challenge("app@n1")[:22])...), "app"},
		{append(wire("sok"), wire("n\x00\x05")...), ""},
		{wire("salive"), ""},
		{nil, ""},
	} {
		if got := challenger(tt.answer); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.answer, got, tt.want)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(append(wire("sok"), wire(challenge("app@n1"))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		judge(b)
		judgeTLS(b)
		challenger(b)
	})
}
