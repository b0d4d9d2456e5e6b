package image

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/qemu/arch"
)

// programFor makes a program for a processor at each of these places below dir.
func programFor(t *testing.T, goarch, dir string, places ...string) {
	t.Helper()
	src := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, place := range places {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, place), src)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+goarch)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, said)
		}
	}
}

// What a release has for another processor is taken from Debian's Erlang for the node's, and
// what that has not is an error that says what to do.
func TestReleaseForAnotherProcessor(t *testing.T) {
	release, erlang := t.TempDir(), t.TempDir()
	const beam, nif, own = "erts-1/bin/beam.smp", "lib/crypto-5/priv/lib/crypto.so", "lib/app-1/priv/own.so"
	programFor(t, "amd64", release, beam, nif)
	programFor(t, "arm64", erlang, beam, nif)
	if err := os.WriteFile(filepath.Join(release, "lib/text"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := translate(release, arch.Of("arm64"), erlang); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{beam, nif} {
		f, err := elf.Open(filepath.Join(release, name))
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != elf.EM_AARCH64 {
			t.Errorf("%s is for %v, want EM_AARCH64", name, f.Machine)
		}
		f.Close()
	}
	programFor(t, "amd64", release, own)
	err := translate(release, arch.Of("arm64"), erlang)
	if want := own + " of the release is for amd64"; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a release that was built for arm64") {
		t.Errorf("a library of its own gave %v, want %q and what to do", err, want)
	}
}
