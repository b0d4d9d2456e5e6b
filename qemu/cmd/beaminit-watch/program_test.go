package main

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/watch/cli"
)

// program builds what make watch-tool builds.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "beaminit-watch")
	make := exec.Command("make", "-s", "-C", "../../..", "build/beaminit-watch", "WATCH="+path, "VERSION=v9")
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// static checks that it needs no library: no interpreter is named in it (elf(5)).
func static(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s is not static", path)
		}
	}
}

// ended is what the program wrote, and its exit status.
func ended(t *testing.T, path string, args ...string) (out string, status int) {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		status = exit.ExitCode()
	}
	return string(b), status
}

// boards are a log, and a terminal server that says the same record to whoever comes.
func boards(t *testing.T, state health.State) (file, tcp string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "till.log")
	if err := os.WriteFile(file, []byte("[    0.000000] Linux version 6.1\r\n"+said("shop@till", 1, state)), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
			c.Write([]byte(said("shop@store", 1, state)))
			t.Cleanup(func() { c.Close() })
		}
	}()
	return file, "tcp:" + l.Addr().String()
}

// The program as it is built, and what a factory makes of its exit status.
func TestProgram(t *testing.T) {
	path := program(t)
	static(t, path)
	file, tcp := boards(t, health.Up)
	degraded, _ := boards(t, health.Degraded)
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"all up", []string{"-require", "up", "-within", "1m", file, tcp}, cli.OK, "till.log up peers=2/2"},
		{"flags behind the sources", []string{file, tcp, "-require", "up", "-within", "1m"}, cli.OK, "127.0.0.1:"},
		{"one is not, in time", []string{"-require", "up", "-within", "1s", file, degraded}, cli.Failed, "degraded"},
		{"what it is not", []string{"-require", "degraded", "-within", "1m", degraded}, cli.OK, "degraded"},
		{"once", []string{"-once", file, tcp, "-within", "1m"}, cli.OK, "2 of 2 up"},
		{"once, and one is not", []string{"-once", degraded, "-within", "1m"}, cli.Failed, "0 of 1 up"},
		{"as JSON", []string{"-json", "-require", "up", "-within", "1m", file}, cli.OK, `"erlang":"shop@till"`},
		{"no source", nil, cli.BadUsage, "usage: beaminit-watch [flags] SOURCE"},
		{"a source that is none", []string{"/nowhere/at/all"}, cli.BadUsage, "/nowhere/at/all"},
		{"a flag that is none", []string{"-pcap", file}, cli.BadUsage, "-pcap"},
		{"a key file that is none", []string{"-health-key", "/nowhere", file}, cli.BadUsage, "/nowhere"},
		{"a state that is none", []string{"-require", "upp", file}, cli.BadUsage, "-require upp: want one of up degraded"},
		{"a port that is none", []string{"tcp:127.0.0.1:99999", "-once"}, cli.BadUsage, "invalid port; want tcp:HOST:PORT"},
		{"no interval", []string{"-interval", "0s", file}, cli.BadUsage, "-interval 0s: want a time"},
		{"a time that is none", []string{"-within", "-3s", file}, cli.BadUsage, "-within -3s: want a time"},
		{"help", []string{"-h"}, cli.OK, "Exit status: 0 ok"},
		{"version", []string{"-version"}, cli.OK, "beaminit-watch v9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, status := ended(t, path, tt.args...)
			if status != tt.status || !strings.Contains(out, tt.says) {
				t.Errorf("exit status %d, want %d, and %q in:\n%s", status, tt.status, tt.says, out)
			}
		})
	}
}

// It ends when nobody reads what it says any more.
func TestReaderGone(t *testing.T) {
	file, _ := boards(t, health.Up)
	cmd := exec.CommandContext(t.Context(), program(t), "-json", file)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	out.Close()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, said("shop@till", 2, health.Degraded))
	f.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		cmd.Process.Kill()
		t.Error("it goes on for nobody")
	}
}

// It has nothing of the lab in it.
func TestAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, alien := range []string{"beaminit/qemu/lab", "beaminit/qemu/image", "beaminit/config"} {
		for _, p := range strings.Fields(string(out)) {
			if strings.HasSuffix(p, alien) {
				t.Errorf("%s is linked into it", p)
			}
		}
	}
}
