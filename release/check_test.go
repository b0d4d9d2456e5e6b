package release

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"debug/elf"

	"golang.org/x/sys/unix"
)

// programFor is the beginning of a program of 32 bits, of headers alone.
func programFor(machine elf.Machine, order elf.Data, interpreter string) string {
	const size, each = 52, 32 // of the ELF header, of a program header
	h := elf.Header32{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: size, Ehsize: size, Phentsize: each, Phnum: 1,
	}
	copy(h.Ident[:], "\x7fELF")
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS32), byte(order), 1
	p := elf.Prog32{Type: uint32(elf.PT_INTERP), Off: size + each, Filesz: uint32(len(interpreter)) + 1}
	var to binary.ByteOrder = binary.LittleEndian
	if order == elf.ELFDATA2MSB {
		to = binary.BigEndian
	}
	var b bytes.Buffer
	binary.Write(&b, to, h)
	binary.Write(&b, to, p)
	return b.String() + interpreter + "\x00"
}

func TestCheck(t *testing.T) {
	foreign := programFor(elf.EM_PPC, elf.ELFDATA2MSB, "/lib/ld.so.1")
	fs := tree(t, with(ertsAt("/srv/erlang/erts-13.1.5"), []string{"/srv/erlang/releases/1/start.boot"})...)
	r, err := Find(fs, srv)
	if err != nil {
		t.Fatal(err)
	}
	check := func(hostname string) []error { c := r.Command(node()); return r.Check(fs, &c, hostname) }
	dir := string(fs) + "/srv/erlang/erts-13.1.5/bin/"
	write(t, string(fs)+"/srv/erlang/releases/1/start.boot", "\x83k\x00\x19$ROOT/lib/kernel-8.5/ebink\x00\x11$X/lib/a-1/ebin/\x00")
	write(t, dir+"erlexec", "#!/bin/sh\n")
	write(t, dir+"beam.smp", foreign)
	for _, name := range []string{"erl_child_setup", "inet_gethost"} {
		if err := os.Remove(dir + name); err != nil {
			t.Fatal(err)
		}
	}
	const bin = "/srv/erlang/erts-13.1.5/bin/"
	want := []string{bin + "erlexec: not an ELF program", bin + "beam.smp: needs the interpreter /lib/ld.so.1: no such file",
		bin + "erl_child_setup: no such file", bin + "inet_gethost: no such file", "/srv/erlang/lib: no such directory",
		"/srv/erlang/releases/1/start.boot: names $ROOT/lib/kernel-8.5/ebin, and there is no /srv/erlang/lib/kernel-8.5/ebin",
		"/srv/erlang/releases/1/start.boot: nobody says what $X is"}
	errs := check("eclero6")
	if len(errs) != len(want) {
		t.Fatalf("got %q, want %d errors", errs, len(want))
	}
	for i, err := range errs {
		if !strings.HasPrefix(err.Error(), want[i]) {
			t.Errorf("got %q, want %q", err, want[i])
		}
	}

	c := r.Command(node())
	c.Env = append(c.Env, "ERL_INETRC=/etc/erl_inetrc")
	if text := errors.Join(r.Check(fs, &c, "eclero6")...).Error(); !strings.Contains(text, "ERL_INETRC: /etc/erl_inetrc: no such file") {
		t.Errorf("no inetrc where ERL_INETRC says: %s", text)
	}

	write(t, dir+"erlexec", foreign)
	if text := errors.Join(check("eclero6")...).Error(); strings.Count(text, "/lib/ld.so.1") != 1 {
		t.Errorf("want a missing interpreter once, got\n%s", text)
	}

	write(t, string(fs)+"/lib/ld.so.1", "")
	if err := errors.Join(check("eclero6.lan")...); strings.Contains(err.Error(), "beam.smp") || strings.Contains(err.Error(), "inet_gethost") {
		t.Errorf("with an interpreter and a domain: %v", err)
	}
}

// The programs of this machine, and what they need, are understood.
func TestELF(t *testing.T) {
	p, f, err := openProgram(Root(""), erlexec(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names, _ := p.Libraries()
	if !strings.Contains(p.Interpreter(), "/ld") || !runsOn(ownMachine(), p.Machine) || !slices.Contains(names, "libc.so.6") {
		t.Errorf("erlexec: interpreter %q, %s, libraries %q", p.Interpreter(), machineName(p.Machine), names)
	}
	if _, _, err := openProgram(Root(""), "/etc/passwd"); !errors.Is(err, unix.ENOEXEC) {
		t.Errorf("/etc/passwd as a program: %v", err)
	}
	if m := machineOf(Root("")); m != ownMachine() || m == 0 {
		t.Errorf("this machine has a processor %d", m)
	}
}

// The libraries of this machine's ERTS are all there; one that is taken away is told
// of once, by the first program that needs it.
func TestLibraries(t *testing.T) {
	bin := filepath.Dir(erlexec(t))
	r := &Release{ERTSDir: filepath.Dir(bin)}
	apps, err := filepath.Glob(filepath.Dir(r.ERTSDir) + "/lib/crypto-*")
	if err != nil {
		t.Fatal(err)
	}
	if errs := r.checkLibraries(Root(""), &Command{}, apps); errs != nil {
		t.Errorf("of this machine: %v", errs)
	}
	fs := without{Root(""), "libtinfo.so."}
	if errs := r.checkLibraries(fs, &Command{}, apps); len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), bin+"/beam.smp: needs the library libtinfo.so.") {
		t.Errorf("without libtinfo: %v", errs)
	}
	dir := t.TempDir()
	lib, err := filepath.Glob("/lib/*-linux-gnu*/libtinfo.so.*")
	if err != nil || len(lib) == 0 {
		t.Skip("no libtinfo where Debian has it")
	}
	copyFile(t, lib[0], dir+"/"+elfName(t, bin+"/beam.smp", "libtinfo.so."))
	if errs := r.checkLibraries(without{Root(""), "/libtinfo.so."}, &Command{Env: []string{"LD_LIBRARY_PATH=" + dir}}, apps); len(errs) != 1 {
		t.Errorf("hidden everywhere: %v", errs)
	}
	if errs := r.checkLibraries(without{Root(""), "gnu/libtinfo.so."}, &Command{Env: []string{"LD_LIBRARY_PATH=" + dir}}, apps); errs != nil {
		t.Errorf("with LD_LIBRARY_PATH: %v", errs)
	}
}

// elfName is the library of this prefix that a program needs.
func elfName(t *testing.T, path, prefix string) string {
	t.Helper()
	p, f, err := openProgram(Root(""), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names, _ := p.Libraries()
	for _, n := range names {
		if strings.HasPrefix(n, prefix) {
			return n
		}
	}
	t.Fatalf("%s needs no %s", path, prefix)
	return ""
}

// without is a file system in which paths with a text in them are not there.
type without struct {
	FS
	text string
}

func (w without) Read(path string, limit int) ([]byte, error) {
	if strings.Contains(path, w.text) {
		return nil, unix.ENOENT
	}
	return w.FS.Read(path, limit)
}

func (w without) Open(path string) (ReadAtCloser, error) {
	if strings.Contains(path, w.text) {
		return nil, unix.ENOENT
	}
	return w.FS.Open(path)
}

func FuzzCodeDirs(f *testing.F) {
	f.Add([]byte("\x83k\x00\x19$ROOT/lib/kernel-8.5/ebin"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, dir := range codeDirs(b) {
			(&Release{}).resolve(dir, nil)
		}
	})
}
