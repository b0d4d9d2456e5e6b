package image

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// beam is a program with many libraries.
func beam(t *testing.T) string {
	t.Helper()
	erlang, err := erlangRoot()
	if err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(erlang, "erts-*/bin/beam.smp"))
	return found[0]
}

// The dynamic linker itself says what a program needs; libraries must say the same.
func TestLibrariesAreThoseOfLdd(t *testing.T) {
	dir := t.TempDir()
	if err := copyFile(beam(t), filepath.Join(dir, "beam.smp")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte(strings.Repeat("no ELF", 20)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "short"), []byte("#"), 0o755); err != nil {
		t.Fatal(err)
	}
	list, err := libraries(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range list {
		if name := filepath.Base(f); !slices.Contains(got, name) {
			got = append(got, name)
		}
	}
	out, err := exec.Command("ldd", filepath.Join(dir, "beam.smp")).Output()
	if err != nil {
		t.Fatalf("ldd: %v", err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^\s+(/\S+/)?([^\s/]+\.so[.\d]*) `).FindAllStringSubmatch(string(out), -1) {
		if !strings.HasPrefix(m[2], "linux-vdso") {
			want = append(want, m[2])
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) < 4 {
		t.Errorf("libraries are %q, ldd says %q", got, want)
	}
}

func TestLibraryOfTheReleaseItself(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile(beam(t))
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte("libtinfo.so.6"), []byte("libtinfX.so.6"), 1)
	if err := os.WriteFile(filepath.Join(dir, "beam.smp"), data, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = libraries(dir, "")
	if err == nil || !strings.Contains(err.Error(), "libtinfX.so.6") {
		t.Errorf("a library that is nowhere gave %v, want an error that names it", err)
	}
}
