package release

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	// A dynamic program for a 32 bit big-endian machine, of headers alone.
	foreign := make([]byte, 52+32+16)
	copy(foreign, "\x7fELF\x01\x02\x01")
	foreign[31], foreign[43], foreign[45] = 52, 32, 1
	foreign[52+3], foreign[52+7], foreign[52+19] = 3, 84, 13
	copy(foreign[84:], "/lib/ld.so.1\x00")

	fs := tree(t, with(ertsAt("/srv/erlang/erts-13.1.5"), []string{"/srv/erlang/releases/1/start.boot"})...)
	dir := string(fs) + "/srv/erlang/erts-13.1.5/bin/"
	write(t, dir+"erlexec", "#!/bin/sh\n")
	write(t, dir+"beam.smp", string(foreign))
	for _, name := range []string{"erl_child_setup", "inet_gethost"} {
		if err := os.Remove(dir + name); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Find(fs, srv)
	if err != nil {
		t.Fatal(err)
	}
	const bin = "/srv/erlang/erts-13.1.5/bin/"
	want := []string{bin + "erlexec: not an ELF program", bin + "beam.smp: needs the interpreter /lib/ld.so.1: no such file",
		bin + "erl_child_setup: no such file", bin + "inet_gethost: no such file", "/srv/erlang/lib: no such directory"}
	errs := r.Check(fs, "eclero6")
	if len(errs) != len(want) {
		t.Fatalf("got %q, want %d errors", errs, len(want))
	}
	for i, err := range errs {
		if !strings.HasPrefix(err.Error(), want[i]) {
			t.Errorf("got %q, want %q", err, want[i])
		}
	}

	write(t, dir+"erlexec", string(foreign))
	if text := errors.Join(r.Check(fs, "eclero6")...).Error(); strings.Count(text, "/lib/ld.so.1") != 1 {
		t.Errorf("want a missing interpreter once, got\n%s", text)
	}

	write(t, string(fs)+"/lib/ld.so.1", "")
	if err := errors.Join(r.Check(fs, "eclero6.lan")...); strings.Contains(err.Error(), "beam.smp") || strings.Contains(err.Error(), "inet_gethost") {
		t.Errorf("with an interpreter and a domain: %v", err)
	}
}

func TestInterpreter(t *testing.T) {
	got, err := interpreter(Root(""), erlexec(t))
	if err != nil || !strings.Contains(got, "/ld") {
		t.Errorf("interpreter of erlexec: %q, %v", got, err)
	}
}

func FuzzInterpreter(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01"))
	if b, err := os.ReadFile("/proc/self/exe"); err == nil {
		f.Add(b[:1024])
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(dir+"/x", b, 0o600); err != nil {
			t.Fatal(err)
		}
		interpreter(Root(dir), "/x") // must not panic or spin
	})
}
