package lan

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The capture is what tshark reads: an interface for each port, times, what was done.
func TestSniff(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "lan.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := NewSwitch()
	a, b := plug(t, s, "eclero6"), plug(t, s, "eclero8")
	send(t, b, wire(broadcast, addr('b'), "before")) // nobody sniffs yet
	wants(t, "a", a, "before")
	_, done := s.Sniff(file)
	send(t, a, wire(broadcast, addr('a'), "seen"))
	wants(t, "b", b, "seen")
	s.Comment("cut eclero6 eclero8")
	s.Impair("", "eclero6", "eclero8", func(f *Fault) { f.Cut = true })
	send(t, a, wire(broadcast, addr('a'), "gone"))
	for deadline := time.Now().Add(time.Minute); s.Count().Cut == 0; time.Sleep(time.Millisecond) { // each port has a reader of its own
		if time.Now().After(deadline) {
			t.Fatal("the frame of the cut link is not there")
		}
	}
	send(t, b, wire(broadcast, addr('b'), "other way"))
	wants(t, "a", a, "other way")
	s.Close()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the sniffer does not end with the switch")
	}
	out, err := exec.Command("tshark", "-r", file.Name(), "-t", "e", "-T", "fields",
		"-e", "frame.interface_name", "-e", "frame.len", "-e", "frame.comment", "-e", "frame.time_epoch").CombinedOutput()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, out)
	}
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			continue // a warning that it runs as root
		}
		got = append(got, strings.Join(f[:3], "|"))
		at, err := time.ParseDuration(f[3] + "s")
		if age := time.Since(time.Unix(0, int64(at))); err != nil || age < 0 || age > time.Hour {
			t.Errorf("the time %s of %q is not that of the frame (%v)", f[3], line, err)
		}
	}
	want := []string{
		"eclero6|18|",
		"eclero6|18|cut eclero6 eclero8,cut on the way to eclero8",
		"eclero8|23|",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("tshark reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A reader that does not read holds up nobody.
func TestSniffToOneWhoDoesNotRead(t *testing.T) {
	s := NewSwitch()
	defer s.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	a, b := plug(t, s, "a"), plug(t, s, "b")
	stop, _ := s.Sniff(w)
	for range 2 * sniffQueue {
		send(t, a, wire(broadcast, addr('a'), strings.Repeat("x", 100)))
		b.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := readFrame(b); err != nil {
			t.Fatalf("the LAN stands: %v", err)
		}
	}
	stop()
	w.Close()
}
