package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/watch"
	"github.com/beaminit/beaminit/qemu/watch/cli"
)

// said is a line of a console with a record in it.
func said(node string, seq uint32, state health.State) string {
	r := health.Record{Boot: 7, Seq: seq, Up: time.Minute, Node: node, State: state, PID: 42, Peers: 2, Connected: 2}
	return string(r.Append([]byte(health.Speaker))) + "\r\n"
}

// sources are all kinds of lines on which one node each says the text, again and again.
func sources(t *testing.T, text func(seq uint32) string) []string {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	say := func(write func([]byte)) {
		stop := make(chan struct{})
		t.Cleanup(func() { close(stop) })
		go func() {
			for seq := uint32(1); ; seq++ {
				write([]byte(text(seq)))
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		}()
	}
	serve := func(network, address string) net.Listener {
		l, err := net.Listen(network, address)
		must(err)
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				say(func(b []byte) { c.Write(b) })
			}
		}()
		return l
	}
	file := filepath.Join(dir, "board.log")
	must(os.WriteFile(file, []byte(text(1)), 0o644))
	fifo := filepath.Join(dir, "fifo")
	must(unix.Mkfifo(fifo, 0o600))
	go func() {
		if f, err := os.OpenFile(fifo, os.O_WRONLY, 0); err == nil {
			say(func(b []byte) { f.Write(b) })
		}
	}()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	must(err)
	t.Cleanup(func() { master.Close() })
	must(unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	must(err)
	say(func(b []byte) { master.Write(b) })
	serve("unix", filepath.Join(dir, "socket"))
	return []string{file, fifo, fmt.Sprintf("/dev/pts/%d", n), filepath.Join(dir, "socket"), "tcp:" + serve("tcp", "127.0.0.1:0").Addr().String()}
}

func watched(args ...string) (out string, status int) {
	var b, e bytes.Buffer
	status = run(args, &b, &e)
	return b.String() + e.String(), status
}

// Nodes are watched by any line that carries their console.
func TestSerial(t *testing.T) {
	up := func(seq uint32) string { return said("app@n", seq, health.Up) }
	list := sources(t, up)
	out, status := watched(append(list, "-once", "-within", "1m")...)
	if status != cli.OK || strings.Count(out, " up ") < len(list) || !strings.Contains(out, "5 of 5 up") {
		t.Errorf("exit status %d:\n%s", status, out)
	}
	if out, status := watched(append([]string{"-require", "up", "-within", "1m"}, list...)...); status != cli.OK || strings.Count(out, " up peers=2/2") != len(list) {
		t.Errorf("exit status %d:\n%s", status, out)
	}
	out, status = watched(append(list, "-require", "degraded", "-within", "1s", "-json")...)
	if status != cli.Failed {
		t.Errorf("exit status %d:\n%s", status, out)
	}
	ups := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var c watch.NodeStatus
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if c.State == health.Up && c.Erlang == "app@n" {
			ups[c.Name] = true
		}
	}
	if len(ups) != len(list) {
		t.Errorf("up by their JSON: %v", ups)
	}
}

// A kernel's packets are the lines of the node that they come from; one that says nothing
// fails what requires it.
func TestNetconsole(t *testing.T) {
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.LocalAddr().(*net.UDPAddr).Port
	free.Close()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for seq := uint32(1); ; seq++ {
			for _, from := range []string{"127.0.0.2", "127.0.0.3"} {
				c, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)}, &net.UDPAddr{IP: net.ParseIP("127.0.0.1"), Port: port})
				if err == nil {
					fmt.Fprintf(c, "6,%d,%d,-;%s", seq, seq, said("app@"+from, seq, health.Up)) // as CONFIG_NETCONSOLE_EXTENDED_LOG has it
					c.Close()
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	source := fmt.Sprintf("udp:127.0.0.1:%d", port)
	out, status := watched(source, "-require", "up", "-within", "1m")
	if status != cli.OK || !strings.Contains(out, "127.0.0.2 up") {
		t.Errorf("exit status %d:\n%s", status, out)
	}
	silent := filepath.Join(t.TempDir(), "silent")
	if err := os.WriteFile(silent, []byte("[    0.000000] Linux version 6.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, status := watched(source, silent, "-once", "-within", "500ms"); status != cli.Failed || !strings.Contains(out, "booting") {
		t.Errorf("exit status %d:\n%s", status, out)
	}
	for _, bad := range []string{"/nowhere/at/all", "tcp:nowhere", t.TempDir()} {
		if out, status := watched(bad, "-once"); status != cli.BadUsage || !strings.Contains(out, bad) {
			t.Errorf("%s: exit status %d: %s", bad, status, out)
		}
	}
}

// The page is in the program, too.
func TestWeb(t *testing.T) {
	board := filepath.Join(t.TempDir(), "board")
	if err := os.WriteFile(board, []byte(said("app@n", 1, health.Up)), 0o644); err != nil {
		t.Fatal(err)
	}
	lines, out := io.Pipe()
	ended := make(chan int)
	go func() {
		ended <- run([]string{"-web", "-require", "degraded", "-within", "3s", board}, io.Discard, out)
	}()
	line, err := bufio.NewReader(lines).ReadString('\n')
	_, address, _ := strings.Cut(strings.TrimSpace(line), "page: ")
	if err != nil || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("it says %q (%v), want the address of a page", line, err)
	}
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(text), "<title>beaminit") {
		t.Errorf("at %s is %q (%v)", address, text, err)
	}
	if status := <-ended; status != cli.Failed {
		t.Errorf("exit status %d, want %d: the node is not degraded", status, cli.Failed)
	}
	if out, status := watched("-web=here", board); status != cli.BadUsage || !strings.Contains(out, "want -web, or -web=PORT") {
		t.Errorf("-web=here: exit status %d: %s", status, out)
	}
}
