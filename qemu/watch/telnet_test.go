package watch

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/beaminit/beaminit/health"
)

func TestTelnet(t *testing.T) {
	noise := "\xff\xfa" + strings.Repeat("x", longest)
	for _, tt := range []struct{ sent, want string }{
		{"a plain line\r\n", "a plain line\r\n"},
		{"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x2chealth", "health"}, // WILL ECHO, WILL SGA, DO COM-PORT
		{"a\xff\xf1b\xff\xf9c", "abc"},                           // NOP, GA
		{"a\xff\xfa\x2c\x64ser2net\xff\xff\xff\xf0b", "ab"},      // SB … IAC SE, with a 255 in it
		{"a\xff\xffb", "a\xffb"},                                 // a 255 of the text
		{"a\r\x00\nb\r\x00", "a\r\nb\r"},                         // a \r alone
		{"\xffbeaminit: \xff\r\n", "beaminit: \r\n"},             // noise on a raw line
		{"\xff\xfbbeaminit: health", "beaminit: health"},         // that looks like WILL
		{noise + "beaminit: health", "beaminit: health"},         // and like SB
		{"\xff", ""}, {"\xff\xff\xff\xfb\x01", "\xff"}, {"\r\xff\xf1x", "\rx"}, // at the end
	} {
		for name, from := range map[string]io.Reader{"as one": strings.NewReader(tt.sent), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.sent))} {
			got, err := io.ReadAll(&telnet{line: io.NopCloser(from)})
			if err != nil || string(got) != tt.want {
				t.Errorf("%q, %s: %q (%v), want %q", tt.sent, name, got, err, tt.want)
			}
		}
	}
}

// A terminal server that negotiates in the middle of a record: the record counts, and the
// server is told nothing.
func TestTelnetServer(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	record := health.Record{Boot: 1, Seq: 1, Node: "shop@till", State: health.Up}
	sent := record.Append([]byte(health.Speaker))
	sent = append(append(bytes.Clone(sent[:20]), "\xff\xfd\x00\xff\xf1"...), sent[20:]...)
	s, err := Open(t.Context(), []string{"tcp:" + server.Addr().String()}, Options{Interval: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(append([]byte("\xff\xfb\x01\xff\xfb\x03"), append(sent, "\r\n"...)...)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		status, err := s.Status()
		if err != nil {
			t.Fatal(err)
		}
		if n := status.Nodes[0]; n.State == health.Up && n.Erlang == "shop@till" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the record did not count: %+v", status.Nodes[0])
		}
	}
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, _ := conn.Read(make([]byte, 1)); n > 0 {
		t.Error("the server was answered")
	}
}
